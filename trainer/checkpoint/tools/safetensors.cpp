#include "trainer/checkpoint/tools/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "ops/core/files/atomic_file.hpp"
#include "ops/core/files/json.hpp"
#include "trainer/checkpoint/tools/range_reader.hpp"

namespace isobath {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kHeaderAlignment = 8;

const char* format_name(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return "F32";
    case DType::BF16:
      return "BF16";
    case DType::F64:
      return "F64";
    case DType::I32:
      return "I32";
    case DType::I64:
      return "I64";
  }
  throw InternalError("a dtype without a name in safetensors");
}

std::string header_of(const std::vector<const TensorRecord*>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header;
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::int64_t at = 0;
  for (const TensorRecord* tensor : tensors) {
    auto shape = nlohmann::ordered_json::array();
    for (int dim = 0; dim < tensor->shape.rank(); ++dim) shape.push_back(tensor->shape[dim]);
    const std::int64_t bytes = tensor->shape.count() * static_cast<std::int64_t>(size_of(tensor->dtype));
    header[tensor->name] = {
        {"dtype", format_name(tensor->dtype)}, {"shape", shape}, {"data_offsets", {at, at + bytes}}};
    at += bytes;
  }
  std::string out = header.dump();
  out.resize((out.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return out;
}

void write_values(AtomicFile& file, const TensorRecord& tensor, RangeReader& reader) {
  std::vector<std::byte> buffer;
  for (const Piece& piece : tensor.pieces) {
    buffer.resize(static_cast<std::size_t>(piece.count()) * size_of(tensor.dtype));
    reader.read(tensor, piece.begin, piece.end, buffer);
    file.write(buffer);
  }
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::filesystem::path& directory,
                       const Manifest& manifest, std::vector<const TensorRecord*> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::ranges::sort(tensors, [](const TensorRecord* a, const TensorRecord* b) {
    return std::tuple(size_of(b->dtype), a->name) < std::tuple(size_of(a->dtype), b->name);
  });
  const std::string header = header_of(tensors, metadata);
  const auto length = static_cast<std::uint64_t>(header.size());
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(std::as_bytes(std::span(header)));
  RangeReader reader(directory, manifest);
  for (const TensorRecord* tensor : tensors) write_values(file, *tensor, reader);
  file.commit();
}

}  // namespace isobath
