#pragma once
// Memory that the runtime gave out: which piece a pointer points into, and whether work may use it yet or still.

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace isobath::emulated {

enum class PieceKind {
  Device,  ///< cudaMalloc
  Pooled,  ///< cudaMallocAsync
  Pinned,  ///< cudaHostAlloc
};

/// Promised until the stream of its cudaMallocAsync gets there, gone when it was freed.
enum class PieceState { Promised, Live, Gone };

/// The memory itself goes back to the system with the last reference.
struct Piece {
  Piece(std::size_t size, PieceKind piece_kind, int piece_device);
  ~Piece();
  Piece(const Piece&) = delete;
  Piece& operator=(const Piece&) = delete;

  bool is_on_device() const { return kind != PieceKind::Pinned; }

  std::size_t bytes;
  PieceKind kind;
  int device;
  std::byte* begin;
  std::atomic<PieceState> state = PieceState::Live;
  std::atomic<int> users = 0;  // queued work that names it
};
using PiecePtr = std::shared_ptr<Piece>;

/// Throws Fault when the piece is not allocated yet, or freed already, where the calling work stands.
void require_usable(const Piece& piece);

class Pieces {
 public:
  static Pieces& all();

  /// Null when the device is full or the system has no memory.
  PiecePtr create(std::size_t bytes, PieceKind kind, int device);
  /// Null unless `begin` is where a piece of this kind begins.
  PiecePtr at(const void* begin, PieceKind kind);
  /// Takes the piece from the list. Throws Fault when queued work names it.
  void free(const PiecePtr& piece);

  /// The piece that holds all of [data, data + bytes); null when none does.
  PiecePtr holding(const void* data, std::size_t bytes);
  /// Whether no device memory lies in [data, data + bytes).
  bool is_host(const void* data, std::size_t bytes);
  /// Pieces that addresses at multiples of 8 bytes in [data, data + bytes) point into: those of a kernel's argument.
  std::vector<PiecePtr> named_in(const void* data, std::size_t bytes);
  std::size_t bytes_on(int device);
  /// What is on devices now, by ascending address.
  std::vector<PiecePtr> on_devices();

  /// What a device has: ISOBATH_EMULATED_BYTES, or 80 GiB without that variable.
  static std::size_t device_bytes();

 private:
  PiecePtr find(const std::byte* address) const;

  std::mutex mutex_;
  std::map<const std::byte*, PiecePtr, std::less<>> pieces_;
  std::map<int, std::size_t> used_;
};

}  // namespace isobath::emulated
