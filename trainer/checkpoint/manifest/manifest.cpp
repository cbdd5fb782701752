#include "trainer/checkpoint/manifest/manifest.hpp"

#include <iomanip>

namespace isobath {

std::string shard_name(int rank, int world_size) {
  std::ostringstream name;
  name << std::setfill('0') << "shard-" << std::setw(5) << rank << "-of-" << std::setw(5) << world_size << ".h5";
  return name.str();
}

std::int64_t payload_bytes(const Manifest& manifest) {
  std::int64_t bytes = 0;
  for (const TensorRecord& tensor : manifest.tensors)
    bytes += tensor.shape.count() * static_cast<std::int64_t>(size_of(tensor.dtype));
  return bytes;
}

Shape shape_of(const std::vector<std::int64_t>& extents) {
  switch (extents.size()) {
    case 0:
      return {};
    case 1:
      return {extents[0]};
    case 2:
      return {extents[0], extents[1]};
    case 3:
      return {extents[0], extents[1], extents[2]};
    case 4:
      return {extents[0], extents[1], extents[2], extents[3]};
    default:
      throw InternalError(text("a shape of ", extents.size(), " dimensions"));
  }
}

}  // namespace isobath
