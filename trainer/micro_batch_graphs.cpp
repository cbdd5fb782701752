#include "trainer/micro_batch_graphs.hpp"

namespace isobath {
namespace {

Tensor like(const Tensor& tensor) { return Tensor::empty(tensor.shape(), tensor.dtype(), tensor.device()); }

}  // namespace

std::int64_t MicroBatchGraphs::run(const Batch& micro, MicroBatchPlace place, const Pass& pass) {
  const Batch here = placed(micro);
  Recorded& recorded = graphs_[{micro.size(), place}];
  if (!recorded.is_warm) {
    recorded.is_warm = true;
    return run_directly(here, pass);
  }
  if (recorded.graph)
    count_repeated(recorded);
  else
    record(recorded, here, pass);
  cuda_launch(device_, recorded.graph);
  return recorded.rows_updated;
}

std::int64_t MicroBatchGraphs::run_directly(const Batch& micro, const Pass& pass) const {
  const MemoryPool::Scope scope(pool_);
  return pass(micro);
}

Batch MicroBatchGraphs::placed(const Batch& micro) {
  auto found = places_.find(micro.size());
  if (found == places_.end()) {
    Batch fresh = micro;
    fresh.inputs = like(micro.inputs);
    fresh.targets = like(micro.targets);
    fresh.samples = like(micro.samples);
    found = places_.emplace(micro.size(), std::move(fresh)).first;
  }
  Batch out = micro;
  out.inputs = found->second.inputs;
  out.targets = found->second.targets;
  out.samples = found->second.samples;
  out.inputs.copy_from(micro.inputs);
  out.targets.copy_from(micro.targets);
  out.samples.copy_from(micro.samples);
  return out;
}

void MicroBatchGraphs::record(Recorded& recorded, const Batch& micro, const Pass& pass) const {
  const Ledger before = ledger();
  recorded.graph = cuda_record(device_, [&] { recorded.rows_updated = run_directly(micro, pass); });
  recorded.executed = ledger() - before;
  const auto& pieces = parameters_.layout().pieces();
  for (std::size_t piece = 0; piece < pieces.size(); ++piece)
    if (parameters_.slot_of(pieces[piece]).has_gradient()) recorded.contributed.push_back(piece);
}

void MicroBatchGraphs::count_repeated(const Recorded& recorded) const {
  count_again(recorded.executed);
  for (const std::size_t piece : recorded.contributed)
    parameters_.slot_of(parameters_.layout().pieces()[piece]).note_contribution();
}

}  // namespace isobath
