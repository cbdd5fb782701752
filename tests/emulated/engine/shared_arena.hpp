#pragma once
#include <cstddef>
#include <vector>

namespace isobath::emulated {

/// The shared memory of the block that runs: pieces side by side, with forbidden ground between them.
class SharedArena {
 public:
  static constexpr std::size_t kStaticLimit = 48 * 1024;    // CUDA programming guide, compute capabilities 8.0 and 9.0
  static constexpr std::size_t kDynamicLimit = 227 * 1024;  // the same, 9.0, after opting in

  SharedArena();
  ~SharedArena();
  /// Before each block: forgets all pieces and makes a dynamic one of `dynamic_bytes`, which may be 0.
  void begin_block(std::size_t dynamic_bytes);
  /// When all threads have returned. Throws Fault when one wrote into the ground between the pieces; ASan, where it is
  /// compiled in, has stopped at the write itself.
  void end_block() const;
  /// Throws Fault when the static pieces outgrow kStaticLimit.
  void* piece(const void* key, std::size_t bytes);
  /// Throws Fault when the launch asked for no dynamic shared memory.
  void* dynamic();

 private:
  struct Piece {
    const void* key;
    std::byte* data;
  };
  struct Fence {
    const std::byte* begin;
    std::size_t bytes;
    std::size_t piece_bytes;  // of the piece that ends where it begins
  };
  std::byte* take(std::size_t bytes);

  std::byte* memory_;
  std::size_t used_ = 0;
  std::size_t static_bytes_ = 0;
  std::byte* dynamic_ = nullptr;
  std::vector<Piece> pieces_;
  std::vector<Fence> fences_;
};

/// Fills with halves 0x7fe1: a NaN as f32 and as bf16, 2145484769 as an index.
void poison(void* data, std::size_t bytes);

}  // namespace isobath::emulated
