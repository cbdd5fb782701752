#include "trainer/checkpoint/catalog/prune.hpp"

#include "ops/core/error.hpp"
#include "trainer/checkpoint/catalog/verify.hpp"
#include "trainer/checkpoint/storage/step_directory.hpp"

namespace isobath {
namespace {

namespace fs = std::filesystem;

enum class Standing { Whole, Damaged, Unfinished };

Standing standing_of(const fs::path& directory) {
  std::error_code failure;
  const bool has_manifest = fs::exists(directory / kManifestName, failure);
  if (failure) return Standing::Damaged;  // what cannot be looked at is not removed
  if (!has_manifest) return Standing::Unfinished;
  return damage_of(directory, VerifyLevel::Size) ? Standing::Damaged : Standing::Whole;
}

}  // namespace

PruneReport prune_checkpoints(const fs::path& root, int keep_last, std::int64_t keep_every) {
  require(keep_last >= 1, "prune: keep_last = ", keep_last, "; the newest checkpoint is never removed");
  PruneReport report;
  int kept = 0;
  std::int64_t whole_step = -1;  // of the last whole one seen
  for (const StepDirectory& found : step_directories(root)) {
    const Standing standing = standing_of(found.path);
    if (standing == Standing::Damaged) continue;
    // Until a whole one was seen, nothing older is expendable, and an unfinished save may still be under way.
    const bool superseded = found.replaced && found.step == whole_step;
    if (!superseded && kept < keep_last && (kept == 0 || standing == Standing::Whole)) {
      if (standing == Standing::Whole) ++kept, whole_step = found.step;
      continue;
    }
    const bool is_kept_for_good = keep_every > 0 && found.step % keep_every == 0 && standing == Standing::Whole;
    if (is_kept_for_good && !superseded) continue;
    if (auto problem = remove_step_directory(found.path))
      report.problems.push_back(std::move(*problem));
    else
      report.removed.push_back(found.path);
  }
  return report;
}

}  // namespace isobath
