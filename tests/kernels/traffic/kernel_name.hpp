#pragma once
#include <string>

namespace isobath::traffic {

/// Template and arguments, without namespaces, in the words of the house: "normalise<8, f32, bf16>".
struct KernelName {
  std::string file;  ///< "layer_norm_cuda.cu"; empty for a kernel that several files may hold
  std::string name;
};

/// From the symbol table of the running program. Throws std::runtime_error for an address that is no function of it.
KernelName name_of(const void* kernel);

}  // namespace isobath::traffic
