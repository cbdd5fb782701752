#pragma once
// Files in a folder of their own, and the mistakes that a call reports.

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "configs/schema/document/config_error.hpp"

namespace isobath::test {

class TempFolder {
 public:
  TempFolder() {
    const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::temp_directory_path() /
            ("isobath-" + std::string(test ? test->name() : "none") + "-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() {
    std::error_code ignored;  // a folder that stays in /tmp fails no test
    std::filesystem::remove_all(path_, ignored);
  }

  /// Writes `text` to `name`, making folders on the way, and returns the path.
  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// What `call` reports by ConfigError; empty when it throws none.
template <class Call>
config::Issues issues_of(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (const ConfigError& error) {
    return error.issues();
  }
  return {};
}

/// One line per issue, as people read it.
inline std::vector<std::string> lines_of(const config::Issues& issues) {
  std::vector<std::string> lines;
  for (const config::Issue& issue : issues) lines.push_back(config::to_string(issue));
  return lines;
}

}  // namespace isobath::test
