#include "parallel/nccl_link.hpp"

#include <algorithm>
#include <cstring>
#include <exception>

#include "ops/core/cuda/check.hpp"
#include "ops/core/log.hpp"
#include "parallel/agreement.hpp"
#include "parallel/exchange.hpp"
#include "parallel/transport/end_process.hpp"
#include "parallel/transport/without_signals.hpp"

namespace isobath {
namespace {

using std::chrono::duration;

// Small beside every sensible limit, large beside what a look costs.
constexpr std::chrono::milliseconds kLook{20};
// Between two looks at a call that goes on in the background.
constexpr std::chrono::microseconds kNap{200};
// Younger calls are not asked whether they have ended: there are many of them, most end by themselves, and to ask
// hurries the work along where somebody forgot to order it. Short beside what a crash report tells of.
constexpr std::chrono::steady_clock::duration kPatience = std::chrono::seconds(1);
// Collectives whose ends nobody has looked at; more are looked through at the next call.
constexpr std::size_t kMostPending = 256;

void check(ncclResult_t result, const char* call) {
  if (result == ncclSuccess) return;
  const std::string words = text("NCCL failed in ", call, ": ", ncclGetErrorString(result));
  if (result == ncclInvalidArgument || result == ncclInvalidUsage) throw InternalError(words);
  throw PeerError(words);
}

// Ends the process unless it is over in time: NCCL may hang in its abort.
class HardDeadline {
 public:
  explicit HardDeadline(double seconds) {
    const WithoutSignals scope;
    thread_ = std::thread([this, seconds] {
      std::unique_lock lock(mutex_);
      if (!over_.wait_for(lock, duration<double>(seconds), [this] { return is_over_; }))
        end_process(ExitCode::PeerLost);
    });
  }
  ~HardDeadline() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    over_.notify_one();
    thread_.join();
  }
  HardDeadline(const HardDeadline&) = delete;
  HardDeadline& operator=(const HardDeadline&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool is_over_ = false;
  std::thread thread_;
};

}  // namespace

void NcclFailure::set(const std::string& words) noexcept {
  const std::lock_guard lock(mutex_);
  if (is_set_) return;
  words_ = words;
  is_set_ = true;
}

void NcclFailure::rethrow() const {
  if (!is_set_) return;
  const std::lock_guard lock(mutex_);
  throw PeerError(words_);
}

NcclLink::NcclLink(Communicator& host, const NcclSettings& settings, std::shared_ptr<NcclFailure> failure)
    : settings_(settings), notes_(host.ring()), failure_(std::move(failure)), exceptions_(std::uncaught_exceptions()) {
  ncclUniqueId id{};
  on_every_rank(host, [&] {
    if (host.rank() == 0) check(ncclGetUniqueId(&id), "ncclGetUniqueId");
  });
  const auto* const begin = reinterpret_cast<const std::byte*>(&id);
  const std::vector<std::byte> agreed = broadcast_bytes(host, {begin, begin + sizeof id});
  std::memcpy(&id, agreed.data(), sizeof id);
  on_every_rank(host, [&] { start(host, id); });
  const WithoutSignals scope;
  watch_ = std::thread([this] { watch(); });
}

void NcclLink::start(Communicator& host, const ncclUniqueId& id) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;  // a blocking start may hang where no limit reaches it
  cuda::check(cudaSetDevice(settings_.device.index), "cudaSetDevice");
  const ncclResult_t answer = ncclCommInitRankConfig(&handle_, host.size(), id, host.rank(), &config);
  const ncclResult_t outcome = settle(answer, settings_.limits.start);
  if (outcome == ncclSuccess) return;
  abort();  // so that the others need not wait for this rank until their limit
  throw BackendError(text("the ranks have not met over NCCL within ", settings_.limits.start,
                          " s: ", ncclGetErrorString(outcome), "; run with NCCL_DEBUG=INFO to see why"));
}

// The outcome of a call that may go on in the background; ncclInProgress when the limit is over.
ncclResult_t NcclLink::settle(ncclResult_t answer, double seconds) {
  const auto end = Clock::now() + duration<double>(seconds);
  while (answer == ncclInProgress && !failure_->is_set()) {
    check(ncclCommGetAsyncError(handle_, &answer), "ncclCommGetAsyncError");
    if (answer != ncclInProgress || Clock::now() > end) break;
    std::this_thread::sleep_for(kNap);
  }
  return answer;
}

QueuedNccl NcclLink::run(CudaQueue queue, const Call& noted, const NcclCall& call) {
  const std::lock_guard lock(mutex_);
  failure_->rethrow();
  const char* const name = name_of(noted.kind);
  require(handle_ != nullptr, name, " after the end of NCCL");
  if (pending_.size() >= kMostPending) forget_passed({});
  QueuedNccl queued;
  if (notes_) queued.note = notes_->enqueue(settings_.group, noted, Carrier::Nccl);
  const cuda::Event before;
  before.record(queue);
  before.before(stream_.queue());
  const ncclResult_t answer = settle(call(handle_, cuda::stream_of(stream_.queue())), settings_.limits.start);
  if (answer == ncclInvalidArgument) {  // the only error that leaves the handle of use
    note_end(queued);
    check(answer, name);
  }
  if (answer != ncclSuccess) failure_->set(text("NCCL failed in ", name, ": ", ncclGetErrorString(answer)));
  failure_->rethrow();
  const auto done = std::make_shared<cuda::Event>();
  done->record(stream_.queue());
  queued.done = done;
  pending_.push_back({queued, Clock::now(), noted.kind});
  return queued;
}

void NcclLink::note_end(const QueuedNccl& call) const {
  // After a failure streams are free because NCCL was aborted, not because anything has ended.
  if (notes_ && !failure_->is_set()) notes_->finish_on_device(call.note);
}

// Of those that were called at least `age` ago.
void NcclLink::forget_passed(Clock::duration age) {
  while (!pending_.empty() && Clock::now() - pending_.front().at >= age && pending_.front().call.done->passed()) {
    note_end(pending_.front().call);
    pending_.pop_front();
  }
}

void NcclLink::look() {
  ncclResult_t state = ncclSuccess;
  check(ncclCommGetAsyncError(handle_, &state), "ncclCommGetAsyncError");
  if (state != ncclSuccess && state != ncclInProgress)
    failure_->set(text("a rank is gone, NCCL says: ", ncclGetErrorString(state)));
  const duration<double> limit(settings_.limits.collective);
  forget_passed(std::min(kPatience, std::chrono::duration_cast<Clock::duration>(limit)));
  if (!pending_.empty() && Clock::now() - pending_.front().at > limit)
    failure_->set(text(name_of(pending_.front().kind), " on ", settings_.device, " has not ended within ",
                       limit.count(), " s: a rank is gone, hangs or makes other calls"));
}

void NcclLink::watch() {
  std::unique_lock lock(mutex_);
  while (!closing_ && handle_ != nullptr) {
    try {
      look();
    } catch (const std::exception& error) {
      failure_->set(error.what());
    }
    if (failure_->is_set())
      abort();  // and nobody waits for the stream any longer
    else
      closed_.wait_for(lock, kLook);
  }
}

void NcclLink::abort() noexcept {
  if (handle_ == nullptr) return;
  const HardDeadline deadline(settings_.limits.abort);
  const ncclResult_t result = ncclCommAbort(std::exchange(handle_, nullptr));
  if (result != ncclSuccess) log(LogLevel::Error, text("ncclCommAbort: ", ncclGetErrorString(result)));
}

void NcclLink::finish() {
  ncclResult_t answer = settle(ncclCommFinalize(handle_), settings_.limits.start);
  if (answer == ncclSuccess) answer = ncclCommDestroy(handle_);
  if (answer == ncclSuccess) handle_ = nullptr;
}

NcclLink::~NcclLink() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  closed_.notify_one();
  watch_.join();
  try {
    if (handle_ != nullptr && !failure_->is_set() && std::uncaught_exceptions() == exceptions_) finish();
  } catch (const std::exception& error) {
    failure_->set(error.what());
  }
  abort();
}

}  // namespace isobath
