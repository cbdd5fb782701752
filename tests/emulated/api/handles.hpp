#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <utility>

namespace isobath::emulated {

/// Handles that were created and not destroyed: every use is checked. Lives as long as the process.
template <class T>
class Handles {
 public:
  static Handles& all() {
    static Handles& instance = *new Handles;
    return instance;
  }

  T* create(T value) {
    auto made = std::make_unique<T>(std::move(value));
    const std::lock_guard lock(mutex_);
    return *alive_.insert(made.release()).first;
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
  /// body(object) while nobody else looks at or changes it; false for a handle that is none.
  template <class Body>
  bool with(T* handle, Body&& body) {
    const std::lock_guard lock(mutex_);
    if (!alive_.contains(handle)) return false;
    body(*handle);
    return true;
  }

 private:
  std::mutex mutex_;
  std::set<T*> alive_;
};

}  // namespace isobath::emulated
