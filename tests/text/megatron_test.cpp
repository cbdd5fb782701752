// Megatron's indexed datasets, as a Python script that knows nothing of isobath writes them.

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "data/data_support.hpp"
#include "data/dataset.hpp"
#include "data/discover.hpp"

namespace isobath {
namespace {

using test::read_file;
using test::refuses;
using test::TempFolder;
using test::write_file;

// Three sequences in two documents; the type's code and struct letter are arguments.
constexpr const char* kWriter = R"(
import struct, sys
prefix, code, letter = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sequences, documents = [[1, 2, 3], [40], [5, 60, 200, 7]], [0, 2, 3]
place, places = 0, []
with open(prefix + ".bin", "wb") as out:
    for tokens in sequences:
        places.append(place)
        place += out.write(struct.pack("<%d%s" % (len(tokens), letter), *tokens))
with open(prefix + ".idx", "wb") as out:
    out.write(b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, code, len(sequences), len(documents)))
    out.write(struct.pack("<3i", *map(len, sequences)) + struct.pack("<3q", *places) + struct.pack("<3q", *documents))
)";

class Megatron : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c '' 2>/dev/null") != 0) GTEST_SKIP() << "python3 is not installed";
    write_file(folder_ / "write.py", kWriter);
  }
  void write(int code, char letter) const {
    const std::string command = "python3 '" + (folder_ / "write.py").string() + "' '" + (folder_ / "m").string() +
                                "' " + std::to_string(code) + " " + letter;
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  DataConfig config(const std::string& name) const {
    DataConfig out;
    out.path = (folder_ / name).string();
    out.vocabulary = 256;
    out.validation_fraction = 0;
    return out;
  }
  std::vector<std::int32_t> tokens(const std::string& name) const {
    const Dataset dataset = open_dataset(DatasetHeader::from_json(read_dataset_header(config(name)).to_json()));
    std::vector<std::int32_t> out(static_cast<std::size_t>(dataset.train.stream->size()));
    dataset.train.stream->copy(0, out);
    return out;
  }

  const TempFolder folder_;
};

TEST_F(Megatron, TokensOfEveryTypeAreReadUnderEveryName) {
  const std::vector<std::int32_t> expected{1, 2, 3, 40, 5, 60, 200, 7};
  for (const auto& [code, letter] : {std::pair{8, 'H'}, std::pair{4, 'i'}, std::pair{1, 'B'}}) {
    write(code, letter);
    for (const char* name : {"m", "m.bin", "m.idx"}) EXPECT_EQ(tokens(name), expected) << code << ' ' << name;
  }
}

TEST_F(Megatron, OtherTypesAndDamageAreRefused) {
  write(5, 'q');
  const auto refused = [&](std::initializer_list<std::string_view> parts) {
    return refuses([&] { read_dataset_header(config("m.bin")); }, parts);
  };
  EXPECT_TRUE(refused({"m.idx", "type 5"}));
  write(8, 'H');
  const std::string index = read_file(folder_ / "m.idx"), bin = read_file(folder_ / "m.bin");
  for (std::size_t size = 9; size < index.size(); ++size) {
    write_file(folder_ / "m.idx", index.substr(0, size));
    EXPECT_TRUE(refused({"m.idx"})) << size;
  }
  std::string moved = index;
  moved[34 + 12 + 8] = 100;  // the second sequence's place
  write_file(folder_ / "m.idx", moved);
  EXPECT_TRUE(refused({"m.idx", "sequence 1", "back to back"}));
  std::string many = index;
  many[18 + 7] = '\x7F';
  write_file(folder_ / "m.idx", many);
  EXPECT_TRUE(refused({"m.idx"}));
  write_file(folder_ / "m.idx", index);
  write_file(folder_ / "m.bin", bin.substr(2));
  EXPECT_TRUE(refused({"m.idx", "16", "14"}));
}

}  // namespace
}  // namespace isobath
