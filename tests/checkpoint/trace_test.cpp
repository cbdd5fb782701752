// Recorded routes come back as they were; damaged files are refused.

#include <gtest/gtest.h>

#include "checkpoint/support.hpp"
#include "ops/core/error.hpp"
#include "trainer/checkpoint/hdf5_trace.hpp"

namespace isobath::test {
namespace {

namespace fs = std::filesystem;

RouteTrace sample_trace() {
  RouteTrace trace{4, 16, 6, {}};
  for (const std::int64_t step : {0, 1, 9})
    for (const std::int64_t layer : {1, 3, 5})
      for (std::int64_t s = 0; s < trace.batch; ++s) {
        auto& positions = trace.positions[{step, layer, step * trace.batch + s}];
        for (std::int32_t t = static_cast<std::int32_t>(s); t < 16; t += static_cast<std::int32_t>(layer))
          positions.push_back(t);
      }
  trace.positions[{0, 1, 2}].clear();  // nothing was chosen there
  return trace;
}

TEST(Trace, RoundTrip) {
  const Scratch scratch;
  const fs::path path = scratch.path() / "trace.h5";
  write_route_trace(path, sample_trace());
  EXPECT_EQ(read_route_trace(path), sample_trace());
  EXPECT_FALSE(fs::exists(path.string() + ".tmp"));
  const std::string first = read_file(path);
  write_route_trace(path, sample_trace());
  EXPECT_EQ(read_file(path), first);
}

TEST(Trace, NothingChosenAnywhere) {
  const Scratch scratch;
  RouteTrace trace{1, 8, 2, {}};
  trace.positions[{0, 1, 0}] = {};
  write_route_trace(scratch.path() / "trace.h5", trace);
  EXPECT_EQ(read_route_trace(scratch.path() / "trace.h5"), trace);
}

TEST(Trace, EveryFlippedByteIsFound) {
  const Scratch scratch;
  const fs::path path = scratch.path() / "trace.h5";
  write_route_trace(path, sample_trace());
  const std::string whole = read_file(path);
  for (std::int64_t offset = 0; offset < static_cast<std::int64_t>(whole.size()); ++offset) {
    flip_bit(path, offset, static_cast<int>(offset % 8));
    EXPECT_THROW(read_route_trace(path), DataError) << "offset " << offset;
    flip_bit(path, offset, static_cast<int>(offset % 8));
  }
  EXPECT_EQ(read_route_trace(path), sample_trace());
  write_file(path, whole.substr(0, whole.size() - 1));
  EXPECT_THROW(read_route_trace(path), DataError);
}

TEST(Trace, BadFilesSayWhatIsWrong) {
  const Scratch scratch;
  const fs::path path = scratch.path() / "trace.h5";
  const auto error = [&]() -> std::string {
    try {
      read_route_trace(path);
    } catch (const DataError& caught) {
      return caught.what();
    }
    return "no error";
  };
  EXPECT_NE(error().find("No such file or directory"), std::string::npos) << error();
  write_file(path, "not HDF5");
  EXPECT_NE(error().find(path.string()), std::string::npos) << error();
  fs::copy_file(save_at(scratch.root(), 1, 1) / "shard-00000-of-00001.h5", path, fs::copy_options::overwrite_existing);
  EXPECT_NE(error().find("not a route trace"), std::string::npos) << error();
  RouteTrace wrong = sample_trace();
  wrong.positions.begin()->second = {3, 3};
  write_route_trace(path, wrong);
  EXPECT_NE(error().find("position 3 after 3"), std::string::npos) << error();
  wrong.positions.begin()->second = {16};
  write_route_trace(path, wrong);
  EXPECT_NE(error().find("position 16"), std::string::npos) << error();
  EXPECT_THROW(write_route_trace(path, RouteTrace{}), InternalError);
}

}  // namespace
}  // namespace isobath::test
