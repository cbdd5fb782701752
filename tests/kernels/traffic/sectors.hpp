#pragma once
// How much of what the threads of a launch ask for reaches the caches and the memory of a GPU: a model of three rules.
//
//   asked    the bytes of every load and store of every thread
//   fetched  between a block and L2: sectors of 32 bytes. A block finds what it touched within its last 32 KiB; that is
//            about its share of L1, and, times all blocks of a GPU, about L2.
//   memory   between L2 and memory: a sector once a launch, for blocks that share data run side by side, and once more
//            whenever a block comes back to it after its 32 KiB.

#include <cstdint>
#include <unordered_map>
#include <unordered_set>

namespace isobath::traffic {

enum class Kind : std::uint8_t { Load, Store };

struct Access {
  std::uintptr_t address;
  std::uint32_t bytes;
  Kind kind;
};

/// Bytes.
struct Moved {
  std::int64_t asked = 0, fetched = 0, memory = 0;

  bool operator==(const Moved&) const = default;
  Moved& operator+=(const Moved& more) {
    asked += more.asked;
    fetched += more.fetched;
    memory += more.memory;
    return *this;
  }
};

inline constexpr std::int64_t kSectorBytes = 32;
inline constexpr std::int64_t kSectorsOfABlock = 32 * 1024 / kSectorBytes;

/// Counts one launch, block after block.
class Sectors {
 public:
  void begin_block();
  /// In the order in which a GPU would issue them.
  void touch(const Access& access);
  const Moved& moved() const { return moved_; }

 private:
  using Sector = std::uint64_t;  // loads and stores of one place are two

  void touch(Sector sector);

  Moved moved_;
  std::unordered_set<Sector> of_launch_;
  std::unordered_map<Sector, std::int64_t> of_block_;  // what the block had fetched when it touched each last
  std::int64_t fetched_by_block_ = 0;
};

}  // namespace isobath::traffic
