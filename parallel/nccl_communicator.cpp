#include "parallel/nccl_communicator.hpp"

#include <chrono>
#include <exception>
#include <thread>

#include "ops/core/device_memory.hpp"
#include "ops/core/steady_clock.hpp"
#include "parallel/nccl_link.hpp"

namespace isobath {
namespace {

// As for ranks on the host: look, sleep, look again.
constexpr std::chrono::microseconds kNap{20};

ncclDataType_t type_of(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return ncclFloat32;
    case DType::BF16:
      return ncclBfloat16;
    case DType::F64:
      return ncclFloat64;
    case DType::I32:
      return ncclInt32;
    case DType::I64:
      return ncclInt64;
  }
  throw InternalError("a collective over elements of an unknown type");
}

ncclRedOp_t reduction_of(Reduce how) { return how == Reduce::Sum ? ncclSum : how == Reduce::Max ? ncclMax : ncclMin; }

std::size_t elements(Buffer data) { return static_cast<std::size_t>(data.count); }

class PendingNccl final : public PendingCollective {
 public:
  PendingNccl(std::shared_ptr<NcclLink> link, QueuedNccl call)
      : link_(std::move(link)), call_(std::move(call)), times_{nanoseconds_now(), 0} {}

  // A failed group's stream is freed by NCCL's abort, so this has an end.
  void await() noexcept override {
    try {
      while (!call_.done->passed()) std::this_thread::sleep_for(kNap);
      link_->note_end(call_);
    } catch (...) {
      error_ = std::current_exception();
    }
    times_.finished = nanoseconds_now();
  }
  void rethrow() const override {
    link_->failure()->rethrow();
    if (error_) std::rethrow_exception(error_);
  }
  void order(CudaQueue queue) override { call_.done->before(queue); }
  bool is_on_device() const override { return true; }
  // From the call to when the host saw the end: the device's own times would cost events with clocks.
  CollectiveTimes times() const override { return times_; }

 private:
  std::shared_ptr<NcclLink> link_;
  QueuedNccl call_;
  CollectiveTimes times_;
  std::exception_ptr error_;
};

class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(std::shared_ptr<Communicator> host, std::shared_ptr<NcclLink> link)
      : host_(std::move(host)), link_(std::move(link)) {}

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }

  [[nodiscard]] Collective all_reduce(MutableBuffer data, Reduce how) override {
    if (!is_ours(data)) return host_->all_reduce(data, how);
    return run(CallKind::AllReduce, data, [=](ncclComm_t ranks, cudaStream_t stream) {
      return ncclAllReduce(data.data, data.data, elements(data), type_of(data.dtype), reduction_of(how), ranks, stream);
    });
  }
  [[nodiscard]] Collective reduce_scatter(Buffer whole, MutableBuffer mine, Reduce how) override {
    check_pieces(mine, whole);
    if (!is_ours(mine)) return host_->reduce_scatter(whole, mine, how);
    return run(CallKind::ReduceScatter, mine, [=](ncclComm_t ranks, cudaStream_t stream) {
      return ncclReduceScatter(whole.data, mine.data, elements(mine), type_of(mine.dtype), reduction_of(how), ranks,
                               stream);
    });
  }
  [[nodiscard]] Collective all_gather(Buffer mine, MutableBuffer whole) override {
    check_pieces(mine, whole);
    if (!is_ours(mine)) return host_->all_gather(mine, whole);
    return run(CallKind::AllGather, mine, [=](ncclComm_t ranks, cudaStream_t stream) {
      return ncclAllGather(mine.data, whole.data, elements(mine), type_of(mine.dtype), ranks, stream);
    });
  }
  [[nodiscard]] Collective broadcast(MutableBuffer data, Root root) override {
    require(root.rank >= 0 && root.rank < size(), "root ", root.rank, " of ", size(), " ranks");
    if (!is_ours(data)) return host_->broadcast(data, root);
    return run(CallKind::Broadcast, data, [=](ncclComm_t ranks, cudaStream_t stream) {
      return ncclBroadcast(data.data, data.data, elements(data), type_of(data.dtype), root.rank, ranks, stream);
    });
  }

  std::vector<std::vector<std::byte>> gather(std::span<const std::byte> mine, Root root) override {
    link_->failure()->rethrow();
    return host_->gather(mine, root);
  }
  void barrier() override {
    link_->failure()->rethrow();
    host_->barrier();
  }
  std::unique_ptr<Communicator> split(Color color) override {
    std::shared_ptr<Communicator> part = host_->split(color);
    NcclSettings settings = link_->settings();
    if (const auto notes = part->ring()) settings.group = notes->new_group();
    auto link = std::make_shared<NcclLink>(*part, settings, link_->failure());
    return std::make_unique<NcclCommunicator>(std::move(part), std::move(link));
  }
  // Takes no lock and calls nothing of NCCL, which may be what hangs. Where the process lives on, the link's own thread
  // aborts NCCL.
  void abort(ExitCode code) noexcept override {
    link_->failure()->set("this rank has ended the job");
    host_->abort(code);
  }
  std::shared_ptr<CollectiveRing> ring() const override { return host_->ring(); }

 private:
  // Whether NCCL moves the data; otherwise the host does, or there is none.
  bool is_ours(Buffer data) const {
    if (!data.device.is_cuda()) {
      link_->failure()->rethrow();
      return false;
    }
    require(data.device == link_->settings().device, "a collective over ", data.device, " memory among ranks on ",
            link_->settings().device);
    return true;
  }
  void check_pieces(Buffer piece, Buffer whole) const {
    require(piece.count * size() == whole.count && piece.dtype == whole.dtype && piece.device == whole.device,
            "a piece of ", piece.count, ' ', name_of(piece.dtype), " on ", piece.device, " for each of ", size(),
            " ranks against a whole of ", whole.count, ' ', name_of(whole.dtype), " on ", whole.device);
  }
  Collective run(CallKind kind, Buffer data, const NcclCall& call) {
    if (data.count == 0) return {};
    const Call noted{kind, data.count, data.dtype};
    return Collective(std::make_shared<PendingNccl>(link_, link_->run(current_cuda_queue(data.device), noted, call)));
  }

  std::shared_ptr<Communicator> host_;
  std::shared_ptr<NcclLink> link_;
};

}  // namespace

std::unique_ptr<Communicator> nccl_communicator(Communicator& host, Device device, const NcclLimits& limits) {
  if (cuda_device_count() == 0)
    throw BackendError(text("ranks on ", device, " need a GPU, but ", cuda_status(), "; set device: cpu"));
  auto link = std::make_shared<NcclLink>(host, NcclSettings{device, limits, 0}, std::make_shared<NcclFailure>());
  // The host's communicator is the caller's.
  return std::make_unique<NcclCommunicator>(std::shared_ptr<Communicator>(&host, [](Communicator*) {}),
                                            std::move(link));
}

std::string nccl_version() {
  int code = 0;
  if (const ncclResult_t answer = ncclGetVersion(&code); answer != ncclSuccess)
    return text("unknown: ncclGetVersion: ", ncclGetErrorString(answer));
  return text(code / 10000, '.', code / 100 % 100, '.', code % 100);
}

}  // namespace isobath
