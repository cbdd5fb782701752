#pragma once
// --device, as commands without a configuration of their own take it.

#include <optional>

#include "configs/schema/system_config.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace isobath {

/// Of `isobath bench`.
CLI::Option* add_device(CLI::App& command, DeviceChoice& choice);
/// Of what works on a run; without the option the run's own system.device holds.
CLI::Option* add_device(CLI::App& command, std::optional<DeviceChoice>& choice);

}  // namespace isobath
