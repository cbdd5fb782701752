#pragma once
// Watches the emulation: every access of a kernel's threads to device memory, by launch.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/traffic/sectors.hpp"
#include "tests/emulated/engine/block.hpp"
#include "tests/emulated/engine/observer.hpp"

namespace isobath::traffic {

struct Launch {
  const void* kernel;
  unsigned threads;  // of a block
  std::size_t dynamic_bytes;
  Moved moved;
};

/// One for the process. The kernels' code is compiled so that it calls note() (instrumentation.cpp).
class Recorder final : public emulated::GridObserver {
 public:
  static Recorder& instance();

  void begins(const emulated::Grid& grid) override;
  void ends() override;
  /// By the running thread of a kernel. Shared memory, stacks and the host's memory are passed over.
  void note(const void* address, std::size_t bytes, Kind kind);
  /// The launches since the last call.
  std::vector<Launch> take();

 private:
  struct Range {
    std::uintptr_t begin, end;
  };
  bool is_on_device(std::uintptr_t address) const;
  void finish_block();

  bool records_ = false;
  Launch launch_{};
  Sectors sectors_;
  std::vector<Range> device_;  // ascending
  uint3 block_;
  std::vector<std::vector<Access>> of_thread_;  // of the present block
  std::vector<Launch> launches_;
};

}  // namespace isobath::traffic
