#pragma once
// Starting the program in a folder of its own and looking at what it printed and how it ended.

#include <cstdio>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "support/temp_folder.hpp"

namespace isobath::test {

struct Ending {
  int code = 0;
  std::string out;  ///< standard output
  std::string err;  ///< standard error
};

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Lines of `err` that the program wrote as errors: mpirun adds words of its own.
inline int error_lines(const std::string& err) {
  int count = 0;
  std::istringstream lines(err);
  for (std::string line; std::getline(lines, line);) count += line.find("error: ") != std::string::npos;
  return count;
}

/// A folder with a small dataset and a configuration that trains in a second.
class Workbench {
 public:
  Workbench() {
    std::string text;
    for (int i = 0; i < 3000; ++i)
      text += (i % 7 == 0) ? "the quick brown fox\n" : (i % 3 == 0) ? "jumps over " : "a lazy dog ";
    write("text.txt", text);
    write("run.yaml", config());
    const Ending prepared = run("prepare text.txt --output data --tokenizer characters");
    if (prepared.code != 0) throw std::runtime_error(prepared.err);
  }

  static std::string config() {
    return "name: small\n"
           "model: {layers: 3, width: 32, heads: 2, context: 32, dropout: 0.0}\n"
           "data: {path: data, validation_block: 512}\n"
           "train: {steps: 6, batch: 4}\n"
           "evaluation: {every: 0, windows: 8}\n"
           "checkpoint: {every: 3}\n"
           "system: {threads: 1}\n";
  }

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

  /// The program alone.
  Ending run(const std::string& arguments) const { return shell(std::string(ISOBATH_PROGRAM) + " " + arguments); }
  /// On `ranks` MPI ranks.
  Ending run(int ranks, const std::string& arguments) const {
    return shell(std::string(ISOBATH_MPIEXEC) + " -n " + std::to_string(ranks) + " " + ISOBATH_PROGRAM + " " +
                 arguments);
  }

  /// What a shell does before it starts the program: into the folder, and the environment for mpirun, which waits twice
  /// `patience` seconds when ranks end with another code than 0.
  std::string enter(int patience = 1) const {
    return "cd '" + folder_.path().string() +
           "' && export OMPI_MCA_odls_base_sigkill_timeout=" + std::to_string(patience) +
           " && . " ISOBATH_SOURCE "/cluster/mpi-environment.sh";
  }

  Ending shell(const std::string& command) const {
    const std::string whole = enter() + " && timeout 120 " + command + " >.out 2>.err </dev/null";
    const int status = std::system(whole.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(folder_ / ".out"),
            content_of(folder_ / ".err")};
  }

 private:
  TempFolder folder_;
};

}  // namespace isobath::test
