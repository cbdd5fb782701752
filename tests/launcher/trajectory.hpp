#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace isobath::test {

/// What must be equal between an uninterrupted and a resumed run, a line a step: everything but the clock.
std::vector<std::string> trajectory(const std::filesystem::path& metrics);
/// The same of validations.
std::vector<std::string> validations(const std::filesystem::path& metrics);

}  // namespace isobath::test
