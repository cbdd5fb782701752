#pragma once
#include <string>

namespace isobath {

/// The matrix-product library at run time, e.g. "oneDNN 2.6.3".
std::string onednn_version();

}  // namespace isobath
