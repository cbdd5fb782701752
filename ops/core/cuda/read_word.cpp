#include "ops/core/cuda/read_word.hpp"

#include <memory>

#include "ops/core/cuda/check.hpp"
#include "ops/core/cuda/stream.hpp"

namespace isobath::cuda {
namespace {

struct ReleasePinned {
  void operator()(std::int32_t* word) const noexcept { check_or_log(cudaFreeHost(word), "cudaFreeHost"); }
};

std::int32_t* pinned_word() {
  thread_local const std::unique_ptr<std::int32_t, ReleasePinned> word = [] {
    void* made = nullptr;
    check(cudaHostAlloc(&made, sizeof(std::int32_t), cudaHostAllocDefault), "cudaHostAlloc");
    return std::unique_ptr<std::int32_t, ReleasePinned>(static_cast<std::int32_t*>(made));
  }();
  return word.get();
}

}  // namespace

std::int32_t read_word(CudaQueue queue, const std::int32_t* from) {
  std::int32_t* const word = pinned_word();
  check(cudaMemcpyAsync(word, from, sizeof(*word), cudaMemcpyDeviceToHost, stream_of(queue)), "cudaMemcpyAsync");
  const Event copied;
  copied.record(queue);
  copied.wait();
  return *word;
}

}  // namespace isobath::cuda
