// What other programs see of a checkpoint: tensors.h5 through h5dump, safetensors through a strict reader of its own
// and through the public library; and checkpoints cut anew.

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <gtest/gtest.h>

#include "checkpoint/support.hpp"
#include "ops/core/files/json.hpp"
#include "support/python.hpp"
#include "trainer/checkpoint/catalog/find.hpp"
#include "trainer/checkpoint/manifest/boxes.hpp"
#include "trainer/checkpoint/manifest/text.hpp"
#include "trainer/checkpoint/tools/reshard.hpp"
#include "trainer/checkpoint/tools/safetensors.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  std::FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  std::string out;
  char buffer[4096];
  while (const std::size_t read = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, read);
  return pclose(pipe) == 0 ? out : "failed: " + out;
}

TEST(Boxes, CoverTheRangeInOrder) {
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{7}, {3, 4}, {2, 3, 4}, {2, 1, 3, 2}, {1, 5}, {4, 1}}) {
    std::int64_t total = 1;
    for (const std::int64_t extent : shape) total *= extent;
    for (std::int64_t begin = 0; begin < total; ++begin) {
      for (std::int64_t end = begin + 1; end <= total; ++end) {
        std::int64_t next = begin;  // each box is one flat run, and starts where the last one ended
        const auto boxes = boxes_of(shape, begin, end);
        EXPECT_LE(boxes.size(), 2 * shape.size() - 1);
        for (const Box& box : boxes) {
          std::int64_t first = 0, last = 0;
          for (std::size_t dim = 0; dim < shape.size(); ++dim) {
            EXPECT_LE(box.start[dim] + box.count[dim], shape[dim]);
            first = first * shape[dim] + box.start[dim];
            last = last * shape[dim] + box.start[dim] + box.count[dim] - 1;
          }
          EXPECT_EQ(first, next);
          EXPECT_EQ(last - first + 1, box.elements());
          next = last + 1;
        }
        EXPECT_EQ(next, end);
      }
    }
  }
}

TEST(VirtualFile, GivesH5dumpEachTensorWhole) {
  if (!output_of("h5dump --version").starts_with("h5dump")) GTEST_SKIP() << "h5dump is not installed (hdf5-tools)";
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 9, 3), moved = scratch.path() / "moved";
  fs::rename(directory, moved);  // it names no folder
  const auto expected = bytes_of(tensors_at(9));
  for (const auto& [name, bytes] : expected) {
    const fs::path raw = scratch.path() / "raw";
    if (bytes.empty()) continue;  // h5dump writes no file for nothing
    const std::string said = output_of(
        text("cd / && h5dump -d '/", name, "' -b LE -o ", raw.string(), " ", (moved / "tensors.h5").string()));
    ASSERT_FALSE(said.starts_with("failed")) << said;
    EXPECT_EQ(read_file(raw), bytes) << name;
  }
  const std::string shapes = output_of("h5dump -H " + (moved / "tensors.h5").string());
  EXPECT_NE(shapes.find("SIMPLE { ( 2, 3, 5, 7 )"), std::string::npos) << shapes;
  EXPECT_NE(shapes.find("ATTRIBUTE \"element\""), std::string::npos) << "bf16 is not marked";
}

TEST(Reshard, ToAnyNumberOfFilesAndBack) {
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 9, 2);
  for (const int shards : {1, 3, 7}) {
    const fs::path out = reshard_checkpoint(directory, scratch.path() / std::to_string(shards), shards);
    EXPECT_EQ(read_manifest(out).world_size, shards);
    EXPECT_TRUE(verify_checkpoint(out).whole());
    expect_loads(out, 9, 2);
    save_at(scratch.path() / "direct", 9, shards);
    EXPECT_EQ(files_below(out), files_below(scratch.path() / "direct" / out.filename())) << "as if saved so";
    const fs::path back = reshard_checkpoint(out, scratch.path() / text("back-", shards), 2);
    EXPECT_EQ(files_below(back), files_below(directory));
  }
}

TEST(Reshard, DamageStopsItAndNothingCounts) {
  const Scratch scratch;
  const fs::path directory = save_at(scratch.root(), 9, 2), out = scratch.path() / "out";
  const Manifest manifest = read_manifest(directory);
  flip_bit(directory / manifest.files[1].name, manifest.files[1].datasets[0].address, 3);
  EXPECT_THROW(reshard_checkpoint(directory, out, 3), StorageError);
  EXPECT_FALSE(find_latest(out, VerifyLevel::Size).directory);
  EXPECT_THROW(reshard_checkpoint(directory, scratch.root(), 3), StorageError) << "onto itself";
}

/// Reads strictly by the format's description, and returns the bytes of each tensor.
std::map<std::string, std::string> read_safetensors(const std::string& file) {
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  EXPECT_LE(length, file.size() - 8);
  EXPECT_EQ(length % 8, 0u);
  const std::string header = file.substr(8, length);
  EXPECT_EQ(header.front(), '{');
  EXPECT_EQ(header.find_last_not_of(' '), header.rfind('}'));
  const std::map<std::string, std::size_t> widths = {{"F32", 4}, {"BF16", 2}, {"F64", 8}, {"I32", 4}, {"I64", 8}};
  std::map<std::string, std::string> tensors;
  std::size_t end = 0, last_width = 8;
  const auto entries = nlohmann::ordered_json::parse(header);
  for (const auto& [name, entry] : entries.items()) {
    if (name == "__metadata__") continue;
    std::size_t bytes = widths.at(entry.at("dtype"));
    EXPECT_LE(bytes, last_width) << name << " comes after narrower elements";
    last_width = bytes;
    for (const std::size_t extent : entry.at("shape")) bytes *= extent;
    const std::size_t begin = entry.at("data_offsets")[0];
    EXPECT_EQ(begin, end) << name << ": a gap";
    end = entry.at("data_offsets")[1];
    EXPECT_EQ(end - begin, bytes);
    tensors[name] = file.substr(8 + length + begin, bytes);
  }
  EXPECT_EQ(8 + length + end, file.size());
  return tensors;
}

fs::path exported(const Scratch& scratch) {
  const fs::path directory = save_at(scratch.root(), 9, 3), path = scratch.path() / "model.safetensors";
  const Manifest manifest = read_manifest(directory);
  std::vector<const TensorRecord*> tensors;
  for (const TensorRecord& tensor : manifest.tensors) tensors.push_back(&tensor);
  write_safetensors(path, directory, manifest, tensors, {{"format", "pt"}});
  return path;
}

TEST(Safetensors, AStrictReaderFindsEveryTensor) {
  const Scratch scratch;
  EXPECT_EQ(read_safetensors(read_file(exported(scratch))), bytes_of(tensors_at(9)));
}

TEST(Safetensors, ThePublicLibraryReadsIt) {
  if (!python_has("numpy, safetensors"))
    GTEST_SKIP() << "Python's numpy or safetensors is not installed (pip install numpy safetensors)";
  const Scratch scratch;
  const fs::path path = exported(scratch), script = scratch.path() / "read.py";
  write_file(script,
             "import sys, safetensors\n"
             "from pathlib import Path\n"
             "raw = safetensors.deserialize(Path(sys.argv[1]).read_bytes())\n"
             "for name, t in raw: Path(sys.argv[2], name.replace('/', '%')).write_bytes(bytes(t['data']))\n"
             "from safetensors.numpy import safe_open\n"
             "with safe_open(sys.argv[1], framework='np') as f:\n"
             "    assert f.get_tensor('counts').shape == (2, 3, 5, 7)\n"
             "    assert f.metadata() == {'format': 'pt'}\n");
  fs::create_directory(scratch.path() / "out");
  const std::string said =
      output_of(python() + " " + script.string() + " " + path.string() + " " + (scratch.path() / "out").string());
  ASSERT_EQ(said, "");
  for (const auto& [name, bytes] : bytes_of(tensors_at(9))) {
    std::string file = name;
    std::ranges::replace(file, '/', '%');
    EXPECT_EQ(read_file(scratch.path() / "out" / file), bytes) << name;
  }
}

}  // namespace
}  // namespace isobath::test
