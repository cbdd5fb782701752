// The man page and the completion hold what the parser and the schema hold, and their readers take them.

#include "configs/yaml/run_config.hpp"
#include "launcher/program.hpp"

namespace isobath::test {
namespace {

TEST(Manual, ManReadsThePageWithoutAWarning) {
  const Workbench bench;
  const Ending page = bench.run("manual");
  ASSERT_EQ(page.code, 0) << page.err;
  for (const char* part : {".SS \"isobath train\"", ".SS \"isobath checkpoint verify\"", "\\-\\-dry\\-run",
                           "optim.cooldown_steps", "75 saved"})
    EXPECT_NE(page.out.find(part), std::string::npos) << part;
  if (std::system("groff --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "groff is not installed";
  bench.write("isobath.1", page.out);
  const Ending read = bench.shell("groff -man -ww -Tascii -P-cbou isobath.1");
  EXPECT_EQ(read.code, 0);
  EXPECT_EQ(read.err, "");
  EXPECT_NE(read.out.find("isobath train"), std::string::npos);
}

TEST(Manual, BashCompletesCommandsOptionsAndKeys) {
  const Workbench bench;
  bench.write("completion", bench.run("manual --bash-completion").out);
  const auto completed = [&](const std::string& words, int at) {
    bench.write("ask", ". ./completion\ncompopt() { :; }\nCOMP_WORDS=(" + words + ") COMP_CWORD=" + std::to_string(at) +
                           "\n_isobath\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
    return bench.shell("bash ask").out;
  };
  EXPECT_EQ(completed("isobath tra", 1), "train\n");
  EXPECT_EQ(completed("isobath train --dr", 2), "--dry-run\n");
  EXPECT_EQ(completed("isobath train run.yaml optim.cooldown_st", 3), "optim.cooldown_steps=\n");
  EXPECT_EQ(completed("isobath train ru", 2), "run.yaml\n") << "files too";
  EXPECT_EQ(completed("isobath checkpoint ver", 2), "verify\n");
}

}  // namespace
}  // namespace isobath::test
