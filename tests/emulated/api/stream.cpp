#include "tests/emulated/api/stream.hpp"

#include <cstdlib>
#include <mutex>
#include <set>
#include <string>

struct CUstream_st {};
struct CUevent_st {};

namespace {

using isobath::emulated::report;

// Handles that were created and not destroyed: every use is checked.
template <class T>
class Handles {
 public:
  T* create() {
    const std::lock_guard lock(mutex_);
    return *alive_.insert(new T).first;
  }
  bool has(T* handle) {
    const std::lock_guard lock(mutex_);
    return alive_.contains(handle);
  }
  bool destroy(T* handle) {
    const std::lock_guard lock(mutex_);
    if (alive_.erase(handle) == 0) return false;
    delete handle;
    return true;
  }

 private:
  std::mutex mutex_;
  std::set<T*> alive_;
};

template <class T>
Handles<T>& handles() {
  static Handles<T> instance;
  return instance;
}

bool is_stream(cudaStream_t stream) { return stream == nullptr || handles<CUstream_st>().has(stream); }
bool is_event(cudaEvent_t event) { return handles<CUevent_st>().has(event); }
cudaError_t valid_if(bool good) { return report(good ? cudaSuccess : cudaErrorInvalidResourceHandle); }

int device_count() {
  const char* const variable = std::getenv("ISOBATH_EMULATED_DEVICES");
  return variable == nullptr ? 1 : std::stoi(variable);
}

thread_local int current_device = 0;

}  // namespace

cudaError_t cudaGetDeviceCount(int* count) {
  *count = device_count();
  return report(*count == 0 ? cudaErrorNoDevice : cudaSuccess);
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= device_count()) return report(cudaErrorInvalidDevice);
  current_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  if ((flags & ~cudaStreamNonBlocking) != 0) return report(cudaErrorInvalidValue);
  *stream = handles<CUstream_st>().create();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) { return valid_if(handles<CUstream_st>().destroy(stream)); }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return valid_if(is_stream(stream)); }
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return valid_if(is_stream(stream) && is_event(event));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  if ((flags & ~cudaEventDisableTiming) != 0) return report(cudaErrorInvalidValue);
  *event = handles<CUevent_st>().create();
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) { return valid_if(handles<CUevent_st>().destroy(event)); }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return valid_if(is_event(event) && is_stream(stream));
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) { return valid_if(is_event(event)); }

namespace isobath::emulated {

cudaError_t submit(cudaStream_t stream, std::function<void()> work) {
  if (!is_stream(stream)) return report(cudaErrorInvalidResourceHandle);
  work();
  return cudaSuccess;
}

}  // namespace isobath::emulated
