#include "data/parts/part_store.hpp"

#include <iomanip>
#include <sstream>

#include "data/files/text_reader.hpp"
#include "ops/core/error.hpp"
#include "ops/core/files/durable.hpp"

namespace isobath {
namespace {

constexpr const char* kPlan = "plan";
constexpr std::size_t kMostPlanBytes = 4096;

}  // namespace

void PartStore::open(const Fingerprint& plan) const {
  if (this->plan() == plan.hex()) return;
  remove();
  std::error_code problem;
  std::filesystem::create_directories(folder_, problem);
  if (problem) throw StorageError(text(folder_.string(), ": cannot be created: ", problem.message()));
  write_durably(folder_ / kPlan, plan.hex());
}

std::string PartStore::plan() const {
  std::error_code unknown;
  return std::filesystem::exists(folder_ / kPlan, unknown) ? read_text(folder_ / kPlan, kMostPlanBytes) : "";
}

void PartStore::remove() const {
  std::error_code problem;
  std::filesystem::remove(folder_ / kPlan, problem);  // first: parts without it are nobody's
  if (!problem) std::filesystem::remove_all(folder_, problem);
  if (problem) throw StorageError(text(folder_.string(), ": cannot be removed: ", problem.message()));
}

std::filesystem::path PartStore::file(std::size_t part) const {
  std::ostringstream name;
  name << "part-" << std::setfill('0') << std::setw(6) << part << ".tok";
  return folder_ / name.str();
}

std::optional<TokenFile> PartStore::whole(std::size_t part) const {
  std::error_code unknown;
  if (!std::filesystem::exists(file(part), unknown)) return std::nullopt;
  try {
    TokenFile out = TokenFile::read(file(part), TokenFormat::Shard);
    verify_content(out, out.info().vocabulary);
    return out;
  } catch (const DataError&) {
    return std::nullopt;  // it is made again
  }
}

}  // namespace isobath
