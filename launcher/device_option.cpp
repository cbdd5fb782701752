#include "launcher/device_option.hpp"

#include <map>

#include <CLI/CLI.hpp>

namespace isobath {
namespace {

CLI::Option* with_names(CLI::Option* option) {
  return option->transform(CLI::CheckedTransformer(
      std::map<std::string, DeviceChoice>{{"cpu", DeviceChoice::Cpu}, {"cuda", DeviceChoice::Cuda}}));
}

}  // namespace

CLI::Option* add_device(CLI::App& command, DeviceChoice& choice) {
  return with_names(command.add_option("--device", choice, "cpu or cuda, as system.device"))->default_str("cpu");
}

CLI::Option* add_device(CLI::App& command, std::optional<DeviceChoice>& choice) {
  return with_names(command.add_option("--device", choice, "cpu or cuda; default: the run's system.device"));
}

}  // namespace isobath
