#include "trainer/checkpoint/saving/report.hpp"

#include <cstring>

#include "trainer/checkpoint/manifest/partition.hpp"

namespace isobath {

std::string pack(const ShardReport& report) {
  std::vector<std::uint64_t> words = {static_cast<std::uint64_t>(report.file.bytes), report.file.metadata.high,
                                      report.file.metadata.low};
  for (const DatasetRecord& dataset : report.file.datasets)
    words.push_back(static_cast<std::uint64_t>(dataset.address));
  for (const Digest& digest : report.digests) words.insert(words.end(), {digest.high, digest.low});
  return {reinterpret_cast<const char*>(words.data()), words.size() * sizeof words[0]};
}

void unpack(const std::string& packed, int rank, Manifest& manifest) {
  std::vector<std::uint64_t> words(packed.size() / sizeof(std::uint64_t));
  std::memcpy(words.data(), packed.data(), packed.size());
  auto next = words.begin();
  const auto digest = [&next] {
    const std::uint64_t high = *next++;
    return Digest{high, *next++};
  };
  FileRecord file{shard_name(rank, manifest.world_size), static_cast<std::int64_t>(*next++), {}, {}};
  file.metadata = digest();
  file.datasets = datasets_of(manifest.tensors, rank);
  for (DatasetRecord& dataset : file.datasets) dataset.address = static_cast<std::int64_t>(*next++);
  for (TensorRecord& tensor : manifest.tensors)
    for (Piece& piece : tensor.pieces)
      if (piece.file == rank) piece.digest = digest();
  require(next == words.end(), "checkpoint: rank ", rank, " reported ", words.size(), " words");
  manifest.files.push_back(std::move(file));
}

}  // namespace isobath
