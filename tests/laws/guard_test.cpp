// What counts as a spike, and starts that lead nowhere.

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>

#include <gtest/gtest.h>

#include "ops/core/error.hpp"
#include "support/temp_folder.hpp"
#include "trainer/guard/restarts.hpp"
#include "trainer/guard/spike_guard.hpp"

namespace isobath::test {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

GuardConfig config(OnSpike on_spike) {
  GuardConfig guard;
  guard.on_spike = on_spike;
  guard.spike_window = 4;
  guard.spike_z = 3;
  return guard;
}

TEST(SpikeGuard, is_mean_and_deviations_of_a_full_window) {
  SpikeGuard guard(config(OnSpike::Skip));
  for (const double loss : {9.0, 2.0, 4.0, 2.0}) {
    EXPECT_EQ(guard.limit(), kNone);
    guard.note(loss);
  }
  guard.note(4.0);  // 9 leaves
  EXPECT_DOUBLE_EQ(guard.limit(), 3.0 + 3 * 1.0);
  SpikeGuard resumed(config(OnSpike::Skip));
  resumed.restore(guard.losses());
  EXPECT_EQ(resumed.limit(), guard.limit());
}

TEST(SpikeGuard, is_off_unless_asked_for) {
  SpikeGuard guard(config(OnSpike::Ignore));
  for (int i = 0; i < 10; ++i) guard.note(1.0);
  EXPECT_EQ(guard.limit(), kNone);
}

TEST(Restarts, end_a_run_that_begins_at_the_same_step_again_and_again) {
  const TempFolder folder;
  const auto file = folder / "restarts.jsonl";
  for (int start = 0; start < 3; ++start) note_start(file, {5, 2}, 3);
  try {
    note_start(file, {5, 2}, 3);
    ADD_FAILURE() << "a fourth start was allowed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::Stopped);
    EXPECT_NE(std::string(error.what()).find("remove " + file.string()), std::string::npos) << error.what();
  }
  EXPECT_NO_THROW(note_start(file, {5, 2}, 0)) << "0 is no limit";
  EXPECT_NO_THROW(note_start(file, {6, 2}, 3)) << "a new step";
  EXPECT_NO_THROW(note_start(file, {6, 1}, 3));
}

TEST(Restarts, a_torn_line_is_no_start_and_spoils_none) {
  const TempFolder folder;
  const auto file = folder / "restarts.jsonl";
  note_start(file, {5, 1}, 2);
  std::ofstream(file, std::ios::app) << R"({"time": 1, "st)";
  note_start(file, {5, 1}, 2);
  EXPECT_THROW(note_start(file, {5, 1}, 2), Error);
}

}  // namespace
}  // namespace isobath::test
