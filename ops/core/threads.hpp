#pragma once
// How many threads a kernel may use, and loops over them. OpenMP underneath, because oneDNN shares its pool.
// The count belongs to the calling thread: ranks that run as threads use one each.

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

#include <omp.h>

namespace isobath {

inline int kernel_threads() { return omp_get_max_threads(); }
inline void set_kernel_threads(int count) { omp_set_num_threads(count); }

/// Ends the threads that OpenMP keeps for this one's next kernel: they spin on cores that other ranks may want, and
/// stay on the cores that they were started on. The next kernel starts new ones.
inline void end_idle_threads() { omp_pause_resource(omp_pause_soft, omp_get_initial_device()); }

/// Rows of `columns` elements that are worth a thread when little is done to each element: some 16 KiB of f32.
constexpr std::int64_t row_grain(std::int64_t columns) {
  return std::max<std::int64_t>(1, 4096 / std::max<std::int64_t>(1, columns));
}

/// The first exception of a parallel region: none may leave the region on the thread that threw it.
class RegionError {
 public:
  template <class Body>
  void guard(Body&& body) noexcept {
    try {
      body();
    } catch (...) {
      if (!taken_.exchange(true)) error_ = std::current_exception();
    }
  }
  /// After the region.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::atomic<bool> taken_{false};
  std::exception_ptr error_;
};

/// body(begin, end) over [0, count) cut into one contiguous piece per thread; runs inline when the work is below
/// `grain` per thread. A piece owns what it writes, so results do not depend on the schedule. Throws what a piece
/// threw.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body&& body) {
  const std::int64_t wanted = grain > 0 ? count / grain : count;
  const int threads = static_cast<int>(std::min<std::int64_t>(kernel_threads(), wanted));
  if (threads <= 1) {
    if (count > 0) body(std::int64_t{0}, count);
    return;
  }
  RegionError error;
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t part = omp_get_thread_num(), parts = omp_get_num_threads();
    const std::int64_t begin = count * part / parts, end = count * (part + 1) / parts;
    if (begin < end) error.guard([&] { body(begin, end); });
  }
  error.rethrow();
}

/// body(index) over [0, count), each index a task of its own taken when a thread is free. For tiles of unequal cost,
/// longest first. Throws what a task threw; tasks already begun end first.
template <class Body>
void parallel_tasks(std::int64_t count, Body&& body) {
  const int threads = static_cast<int>(std::min<std::int64_t>(kernel_threads(), count));
  if (threads <= 1) {
    for (std::int64_t index = 0; index < count; ++index) body(index);
    return;
  }
  RegionError error;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (std::int64_t index = 0; index < count; ++index) error.guard([&] { body(index); });
  error.rethrow();
}

}  // namespace isobath
