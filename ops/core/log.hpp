#pragma once
// Plain lines for people, on standard error, with the level in front. Rank 0 speaks unless a line is about one rank.

#include <string>

namespace isobath {

enum class LogLevel { Info, Warning, Error };

/// Which rank this thread's process is; warnings and errors of other ranks than 0 carry their number, and their
/// information stays unsaid.
void set_log_rank(int rank);
void log(LogLevel level, const std::string& line);
inline void log_info(const std::string& line) { log(LogLevel::Info, line); }
inline void log_warning(const std::string& line) { log(LogLevel::Warning, line); }

}  // namespace isobath
