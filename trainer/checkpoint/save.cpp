#include "ops/core/log.hpp"
#include "trainer/checkpoint/checkpoint.hpp"
#include "trainer/checkpoint/saving/commit.hpp"
#include "trainer/checkpoint/saving/plan.hpp"
#include "trainer/checkpoint/saving/report.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"
#include "trainer/checkpoint/together.hpp"

namespace isobath {

namespace fs = std::filesystem;

fs::path save_checkpoint(const fs::path& root, const TrainingState& state, std::span<const NamedTensor> tensors,
                         Communicator& ranks) {
  const fs::path directory = root / step_name(state.step);
  const std::string what = "saving " + directory.string();
  Manifest manifest = describe(state, tensors, ranks.size());
  const auto bytes = bytes_to_write(manifest.tensors, tensors, ranks.rank(), ranks.size());
  const auto outlines = together(ranks, what, [&] {
    if (ranks.rank() == 0) make_ready(root, manifest);
    return outline(manifest);
  });
  for (std::size_t rank = 0; rank < outlines.size(); ++rank)
    require(outlines[rank] == outlines[0], what, ": rank ", rank, " has other tensors or another step than rank 0");

  const auto reports = together(
      ranks, what, [&] { return pack(write_shard(directory, manifest.tensors, bytes, ranks.rank(), ranks.size())); });
  for (int rank = 0; rank < ranks.size(); ++rank) unpack(reports[static_cast<std::size_t>(rank)], rank, manifest);
  together(ranks, what, [&] {
    if (ranks.rank() == 0)
      for (const std::string& problem : commit(root, manifest)) log_warning(problem);
    return std::string();
  });
  return directory;
}

}  // namespace isobath
