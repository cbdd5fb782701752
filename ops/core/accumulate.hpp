#pragma once

namespace isobath {

/// Whether a kernel starts its output or adds to what is there.
enum class Accumulate { Overwrite, Add };

}  // namespace isobath
