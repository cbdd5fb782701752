#pragma once
// Public readers of what isobath writes are Python libraries: tests/run.sh makes an environment that has them.

#include <cstdlib>
#include <string>

namespace isobath::test {

/// The interpreter to ask; tests skip where it lacks a library.
inline std::string python() {
  const char* chosen = std::getenv("ISOBATH_TEST_PYTHON");
  return chosen != nullptr ? chosen : "python3";
}

inline bool python_has(const std::string& modules) {
  return std::system((python() + " -c 'import " + modules + "' >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace isobath::test
