#pragma once
// What a rank tells rank 0 of the shard it has written.

#include <string>

#include "trainer/checkpoint/manifest/manifest.hpp"
#include "trainer/checkpoint/storage/shard.hpp"

namespace isobath {

/// The report as raw words: every rank knows how many datasets and digests it holds.
std::string pack(const ShardReport& report);

/// Fills in what rank `rank` found out: file length, addresses, digests. Ranks in order. Throws InternalError when the
/// report is not one of this manifest's shard.
void unpack(const std::string& packed, int rank, Manifest& manifest);

}  // namespace isobath
