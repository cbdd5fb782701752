#include "kernels/traffic/recorder.hpp"

#include <algorithm>
#include <utility>

#include "tests/emulated/streams/pieces.hpp"

namespace isobath::traffic {

Recorder& Recorder::instance() {
  static Recorder recorder;
  return recorder;
}

void Recorder::begins(const emulated::Grid& grid) {
  device_.clear();
  for (const emulated::PiecePtr& piece : emulated::Pieces::all().on_devices()) {
    const auto begin = reinterpret_cast<std::uintptr_t>(piece->begin);
    device_.push_back({begin, begin + piece->bytes});
  }
  const unsigned threads = grid.threads.x * grid.threads.y * grid.threads.z;
  launch_ = {grid.kernel, threads, grid.dynamic_bytes, {}};
  sectors_ = {};
  of_thread_.assign(threads, {});
  block_ = {};
  records_ = true;
}

void Recorder::ends() {
  finish_block();
  records_ = false;
  launch_.moved = sectors_.moved();
  launches_.push_back(launch_);
}

std::vector<Launch> Recorder::take() { return std::exchange(launches_, {}); }

bool Recorder::is_on_device(std::uintptr_t address) const {
  const auto next = std::upper_bound(device_.begin(), device_.end(), address,
                                     [](std::uintptr_t value, const Range& range) { return value < range.begin; });
  return next != device_.begin() && address < std::prev(next)->end;
}

void Recorder::note(const void* address, std::size_t bytes, Kind kind) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  if (!records_ || !is_on_device(at)) return;
  if (blockIdx.x != block_.x || blockIdx.y != block_.y || blockIdx.z != block_.z) {
    finish_block();
    block_ = blockIdx;
  }
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  of_thread_[thread].push_back({at, static_cast<std::uint32_t>(bytes), kind});
}

// The emulation runs one thread as far as it gets, and then the next; a GPU runs all of them at once. So the n-th
// accesses of all threads are counted before anybody's next one.
void Recorder::finish_block() {
  sectors_.begin_block();
  std::size_t most = 0;
  for (const std::vector<Access>& accesses : of_thread_) most = std::max(most, accesses.size());
  for (std::size_t n = 0; n < most; ++n)
    for (const std::vector<Access>& accesses : of_thread_)
      if (n < accesses.size()) sectors_.touch(accesses[n]);
  for (std::vector<Access>& accesses : of_thread_) accesses.clear();
}

}  // namespace isobath::traffic
