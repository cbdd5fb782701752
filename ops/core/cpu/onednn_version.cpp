#include "ops/core/cpu/onednn_version.hpp"

#include <dnnl.h>

namespace isobath {

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return "oneDNN " + std::to_string(version->major) + '.' + std::to_string(version->minor) + '.' +
         std::to_string(version->patch);
}

}  // namespace isobath
