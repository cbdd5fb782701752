#include "tests/emulated/streams/pieces.hpp"

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <new>
#include <string>

#include "tests/emulated/engine/fault.hpp"
#include "tests/emulated/engine/shared_arena.hpp"

namespace isobath::emulated {
namespace {

constexpr std::align_val_t kAlignment{256};  // what cudaMalloc promises

std::string words(const Piece& piece) {
  return "the " + std::to_string(piece.bytes) + " bytes of " + (piece.is_on_device() ? "device" : "pinned host") +
         " memory at " + std::to_string(reinterpret_cast<std::uintptr_t>(piece.begin));
}

}  // namespace

Piece::Piece(std::size_t size, PieceKind piece_kind, int piece_device)
    : bytes(size),
      kind(piece_kind),
      device(piece_device),
      begin(static_cast<std::byte*>(::operator new(size, kAlignment))) {
  poison(begin, bytes);
}

Piece::~Piece() { ::operator delete(begin, kAlignment); }

void require_usable(const Piece& piece) {
  if (piece.state == PieceState::Promised)
    throw Fault(words(piece) + " are used before their allocation: no event orders the two streams");
  if (piece.state == PieceState::Gone) throw Fault(words(piece) + " are used after they were freed");
}

// Lives as long as the process: threads and statics give memory back until the very end.
Pieces& Pieces::all() {
  static Pieces& instance = *new Pieces;
  return instance;
}

std::size_t Pieces::device_bytes() {
  const char* const variable = std::getenv("ISOBATH_EMULATED_BYTES");
  return variable == nullptr ? std::size_t{80} << 30 : std::stoull(variable);
}

PiecePtr Pieces::create(std::size_t bytes, PieceKind kind, int device) {
  const std::lock_guard lock(mutex_);
  std::size_t& used = used_[device];
  if (kind != PieceKind::Pinned && used + bytes > device_bytes()) return nullptr;
  try {
    auto piece = std::make_shared<Piece>(bytes, kind, device);
    pieces_.emplace(piece->begin, piece);
    if (piece->is_on_device()) used += bytes;
    return piece;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

PiecePtr Pieces::at(const void* begin, PieceKind kind) {
  const std::lock_guard lock(mutex_);
  const auto found = pieces_.find(static_cast<const std::byte*>(begin));
  return found != pieces_.end() && found->second->kind == kind ? found->second : nullptr;
}

void Pieces::free(const PiecePtr& piece) {
  require_usable(*piece);
  if (piece->users > 0) throw Fault(words(*piece) + " are freed while queued work still uses them");
  piece->state = PieceState::Gone;
  const std::lock_guard lock(mutex_);
  pieces_.erase(piece->begin);
  if (piece->is_on_device()) used_[piece->device] -= piece->bytes;
}

PiecePtr Pieces::find(const std::byte* address) const {
  const auto next = pieces_.upper_bound(address);
  if (next == pieces_.begin()) return nullptr;
  const PiecePtr& piece = std::prev(next)->second;
  return address < piece->begin + piece->bytes ? piece : nullptr;
}

PiecePtr Pieces::holding(const void* data, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto* const begin = static_cast<const std::byte*>(data);
  PiecePtr piece = find(begin);
  return piece && begin + bytes <= piece->begin + piece->bytes ? piece : nullptr;
}

bool Pieces::is_host(const void* data, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto* const begin = static_cast<const std::byte*>(data);
  if (const PiecePtr piece = find(begin); piece && piece->is_on_device()) return false;
  for (auto next = pieces_.upper_bound(begin); next != pieces_.end() && next->first < begin + bytes; ++next)
    if (next->second->is_on_device()) return false;
  return true;
}

std::vector<PiecePtr> Pieces::named_in(const void* data, std::size_t bytes) {
  std::vector<PiecePtr> out;
  const std::lock_guard lock(mutex_);
  for (std::size_t offset = 0; offset + sizeof(void*) <= bytes; offset += sizeof(void*)) {
    const std::byte* address = nullptr;
    std::memcpy(&address, static_cast<const std::byte*>(data) + offset, sizeof(address));
    if (PiecePtr piece = find(address)) out.push_back(std::move(piece));
  }
  return out;
}

std::vector<PiecePtr> Pieces::on_devices() {
  std::vector<PiecePtr> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [begin, piece] : pieces_)
    if (piece->is_on_device()) out.push_back(piece);
  return out;
}

std::size_t Pieces::bytes_on(int device) {
  const std::lock_guard lock(mutex_);
  return used_[device];
}

}  // namespace isobath::emulated
