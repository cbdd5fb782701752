#include "parallel/transport/queued_communicator.hpp"

#include "parallel/transport/collectives.hpp"

namespace isobath {
namespace {

// Whether there is anything to move. Ranks agree on devices, so a rank never sits out alone.
bool has_data(Buffer data) {
  if (data.device.is_cuda())
    throw BackendError(text("a collective over ", data.device,
                            " memory, but these ranks exchange CPU memory; use device: cpu or a build with NCCL"));
  return !data.device.is_meta();
}

void check_pieces(Buffer piece, Buffer whole, int ranks) {
  require(piece.count * ranks == whole.count && piece.dtype == whole.dtype && piece.device == whole.device,
          "a piece of ", piece.count, ' ', name_of(piece.dtype), " on ", piece.device, " for each of ", ranks,
          " ranks against a whole of ", whole.count, ' ', name_of(whole.dtype), " on ", whole.device);
}

}  // namespace

QueuedCommunicator::QueuedCommunicator(std::shared_ptr<CommThread> thread, std::shared_ptr<Transport> transport,
                                       CallCheck check)
    : thread_(std::move(thread)),
      transport_(std::move(transport)),
      check_(check),
      rank_(transport_->rank()),
      size_(transport_->size()),
      group_(thread_->ring()->new_group()) {
  transport_->tell(thread_->ring());
}

QueuedCommunicator::~QueuedCommunicator() { thread_->retire(std::move(transport_)); }

template <class Body>
Collective QueuedCommunicator::enqueue(const Call& call, Body body) {
  const std::uint64_t sequence = thread_->ring()->enqueue(group_, call);
  return thread_->run(
      [transport = transport_, ring = thread_->ring(), check = check_, call, sequence, body = std::move(body)] {
        ring->start(sequence);
        if (check == CallCheck::On) check_calls(*transport, call);
        body(*transport);
        ring->finish(sequence);  // one that failed stays unfinished
      });
}

void QueuedCommunicator::check(Root root) const {
  require(root.rank >= 0 && root.rank < size_, "root ", root.rank, " of ", size_, " ranks");
}

Collective QueuedCommunicator::all_reduce(MutableBuffer data, Reduce how) {
  if (!has_data(data)) return {};
  return enqueue({CallKind::AllReduce, data.count, data.dtype, static_cast<std::int64_t>(how)},
                 [=](Transport& ranks) { collectives::all_reduce(ranks, data, how); });
}

Collective QueuedCommunicator::reduce_scatter(Buffer whole, MutableBuffer mine, Reduce how) {
  check_pieces(mine, whole, size_);
  if (!has_data(mine)) return {};
  return enqueue({CallKind::ReduceScatter, mine.count, mine.dtype, static_cast<std::int64_t>(how)},
                 [=](Transport& ranks) { collectives::reduce_scatter(ranks, whole, mine, how); });
}

Collective QueuedCommunicator::all_gather(Buffer mine, MutableBuffer whole) {
  check_pieces(mine, whole, size_);
  if (!has_data(mine)) return {};
  return enqueue({CallKind::AllGather, mine.count, mine.dtype},
                 [=](Transport& ranks) { collectives::all_gather(ranks, mine, whole); });
}

Collective QueuedCommunicator::broadcast(MutableBuffer data, Root root) {
  check(root);
  if (!has_data(data)) return {};
  return enqueue({CallKind::Broadcast, data.count, data.dtype, root.rank},
                 [=](Transport& ranks) { collectives::broadcast(ranks, data, root.rank); });
}

std::vector<std::vector<std::byte>> QueuedCommunicator::gather(std::span<const std::byte> mine, Root root) {
  check(root);
  std::vector<std::vector<std::byte>> all;
  enqueue({CallKind::Gather, 0, DType::I64, root.rank}, [&all, mine, root](Transport& ranks) {
    all = collectives::gather(ranks, mine, root.rank);
  }).wait();
  return all;
}

void QueuedCommunicator::barrier() {
  enqueue({CallKind::Barrier}, [](Transport& ranks) { collectives::barrier(ranks); }).wait();
}

std::unique_ptr<Communicator> QueuedCommunicator::split(Color color) {
  std::shared_ptr<Transport> part;
  enqueue({CallKind::Split}, [&part, color](Transport& ranks) { part = ranks.split(color.value); }).wait();
  return std::make_unique<QueuedCommunicator>(thread_, std::move(part), check_);
}

void QueuedCommunicator::abort(ExitCode code) noexcept { transport_->abort(code); }

}  // namespace isobath
