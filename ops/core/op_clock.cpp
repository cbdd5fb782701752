#include "ops/core/op_clock.hpp"

#include <cstring>

#include "ops/core/device_clock.hpp"
#include "ops/core/error.hpp"
#include "ops/core/log.hpp"
#include "ops/core/steady_clock.hpp"

namespace isobath {
namespace {

thread_local OpClock* listening = nullptr;

std::int64_t nanoseconds(std::chrono::steady_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(at.time_since_epoch()).count();
}

}  // namespace

struct OpClock::OnDevice {
  Device device;
  std::size_t time;  // its place in times_
  CudaMark begin, end;
};

OpClock::OpClock(KeepSpans keep) : keep_(keep) {
  require(listening == nullptr, "two op clocks on one thread");
  times_.reserve(64);  // more than there are ops, so that no scope allocates
  listening = this;
}
OpClock::~OpClock() { listening = nullptr; }

OpTime& OpClock::of(const char* op) {
  const Work work = current_work();
  const Direction direction = current_direction();
  for (OpTime& time : times_)
    if (time.work == work && time.direction == direction && std::strcmp(time.op, op) == 0) return time;
  return times_.emplace_back(OpTime{op, work, direction});
}

std::size_t OpClock::begin_on(Device device, const char* op) {
  const auto time = static_cast<std::size_t>(&of(op) - times_.data());
  on_device_.push_back({device, time, cuda_timed_mark(device), {}});
  return on_device_.size() - 1;
}

void OpClock::end_on_device(std::size_t begun) noexcept {
  OnDevice& op = on_device_[begun];
  try {
    op.end = cuda_timed_mark(op.device);
  } catch (const std::exception& error) {  // the op itself goes on; the next one will not, if the device is lost
    log(LogLevel::Error, error.what());
  }
}

void OpClock::settle() {
  for (const OnDevice& op : on_device_)
    if (op.end) times_[op.time].seconds += cuda_seconds(op.begin, op.end);
  on_device_.clear();
}

OpClock* op_clock() { return listening; }

void OpClock::add_span(const char* name, SpanRow row, std::int64_t begin, std::int64_t end) {
  if (keep_ == KeepSpans::Yes) spans_.push_back({name, current_work(), current_direction(), row, begin, end});
}

void OpScope::begin(Device device) {
  begun_ = std::chrono::steady_clock::now();
  if (device.is_cuda()) on_device_ = clock_->begin_on(device, op_);
}

void OpScope::end() noexcept {
  if (on_device_ != kOnHost) clock_->end_on_device(on_device_);
  const auto ended = std::chrono::steady_clock::now();
  OpTime& time = clock_->of(op_);
  if (on_device_ == kOnHost) time.seconds += std::chrono::duration<double>(ended - begun_).count();
  ++time.calls;
  clock_->add_span(op_, SpanRow::Compute, nanoseconds(begun_), nanoseconds(ended));
}

SpanScope::SpanScope(const char* name) : name_(name), begun_(listening == nullptr ? 0 : nanoseconds_now()) {}
SpanScope::~SpanScope() {
  if (begun_ != 0) note_span(name_, SpanRow::Compute, begun_, nanoseconds_now());
}

void note_span(const char* name, SpanRow row, std::int64_t begin, std::int64_t end) {
  if (listening != nullptr) listening->add_span(name, row, begin, end);
}

void count_bytes(const char* op, std::size_t bytes) {
  if (listening != nullptr) listening->of(op).bytes += static_cast<std::int64_t>(bytes);
}

}  // namespace isobath
