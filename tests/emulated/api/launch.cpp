#include "tests/emulated/api/launch.hpp"

#include <map>
#include <mutex>
#include <utility>

#include "tests/emulated/api/device.hpp"
#include "tests/emulated/engine/block.hpp"

namespace isobath::emulated {
namespace {

// CUDA programming guide, "Technical Specifications per Compute Capability".
constexpr unsigned kMaxGridX = 2147483647, kMaxGridYZ = 65535;
constexpr unsigned kMaxBlockXY = 1024, kMaxBlockZ = 64, kMaxThreads = 1024;

bool within(unsigned extent, unsigned limit) { return extent >= 1 && extent <= limit; }

bool extents_are_right(dim3 grid, dim3 block) {
  return within(grid.x, kMaxGridX) && within(grid.y, kMaxGridYZ) && within(grid.z, kMaxGridYZ) &&
         within(block.x, kMaxBlockXY) && within(block.y, kMaxBlockXY) && within(block.z, kMaxBlockZ) &&
         block.x * block.y * block.z <= kMaxThreads;
}

struct Allowances {
  std::mutex mutex;
  std::map<const void*, std::size_t> bytes;  // by kernel
};

Allowances& allowances() {
  static Allowances instance;
  return instance;
}

std::size_t allowed_bytes(const void* kernel) {
  Allowances& all = allowances();
  const std::lock_guard lock(all.mutex);
  const auto found = all.bytes.find(kernel);
  return found == all.bytes.end() ? SharedArena::kStaticLimit : found->second;
}

}  // namespace

cudaError_t launch_grid(const cudaLaunchConfig_t& config, const void* kernel, Work work) {
  if (!extents_are_right(config.gridDim, config.blockDim)) return report(cudaErrorInvalidConfiguration);
  if (config.dynamicSmemBytes > allowed_bytes(kernel)) return report(cudaErrorInvalidValue);
  const StreamPtr stream = stream_behind(config.stream);
  if (!stream || stream->device != current_device()) return report(cudaErrorInvalidResourceHandle);
  const Grid grid{config.gridDim, config.blockDim, config.dynamicSmemBytes, kernel};
  work.run = [grid, body = std::move(work.run)] { Engine::current().run(grid, body); };
  return submit(config.stream, std::move(work));
}

cudaError_t allow_dynamic_bytes(const void* kernel, int bytes) {
  if (bytes < 0 || static_cast<std::size_t>(bytes) > SharedArena::kDynamicLimit) return report(cudaErrorInvalidValue);
  Allowances& all = allowances();
  const std::lock_guard lock(all.mutex);
  all.bytes[kernel] = static_cast<std::size_t>(bytes);
  return cudaSuccess;
}

}  // namespace isobath::emulated
