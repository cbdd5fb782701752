#include "kernels/traffic/sectors.hpp"

namespace isobath::traffic {

void Sectors::begin_block() {
  of_block_.clear();
  fetched_by_block_ = 0;
}

void Sectors::touch(const Access& access) {
  moved_.asked += access.bytes;
  const std::uintptr_t first = access.address / kSectorBytes, last = (access.address + access.bytes - 1) / kSectorBytes;
  for (std::uintptr_t sector = first; sector <= last; ++sector)
    touch(2 * sector + (access.kind == Kind::Store ? 1 : 0));
}

void Sectors::touch(Sector sector) {
  const auto [known, is_new_to_block] = of_block_.try_emplace(sector, fetched_by_block_);
  const bool is_late = !is_new_to_block && fetched_by_block_ - known->second >= kSectorsOfABlock;
  if (is_new_to_block || is_late) {
    ++fetched_by_block_;
    moved_.fetched += kSectorBytes;
    if (of_launch_.insert(sector).second || is_late) moved_.memory += kSectorBytes;
  }
  known->second = fetched_by_block_;
}

}  // namespace isobath::traffic
