#include "kernels/traffic/kernel_name.hpp"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <regex>
#include <stdexcept>
#include <vector>

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

namespace isobath::traffic {
namespace {

// The program's own file (System V ABI, "Object Files").
class Image {
 public:
  Image() {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    const auto header = at<Elf64_Ehdr>(0);
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      const auto section = at<Elf64_Shdr>(header.e_shoff + i * sizeof(Elf64_Shdr));
      if (section.sh_type != SHT_SYMTAB) continue;
      symbols_ = section;
      names_ = at<Elf64_Shdr>(header.e_shoff + section.sh_link * sizeof(Elf64_Shdr));
    }
  }

  /// body(symbol, its name) for all of them, in order.
  template <class Body>
  void for_each_symbol(Body&& body) const {
    for (std::size_t offset = 0; offset < symbols_.sh_size; offset += sizeof(Elf64_Sym)) {
      const auto symbol = at<Elf64_Sym>(symbols_.sh_offset + offset);
      body(symbol, bytes_.data() + names_.sh_offset + symbol.st_name);
    }
  }

 private:
  template <class T>
  T at(std::size_t offset) const {
    if (offset + sizeof(T) > bytes_.size()) throw std::runtime_error("kernel_name: the program's file ends early");
    T out;
    std::memcpy(&out, bytes_.data() + offset, sizeof(T));
    return out;
  }

  std::vector<char> bytes_;
  Elf64_Shdr symbols_{}, names_{};
};

std::uintptr_t load_address() {
  std::uintptr_t address = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        *static_cast<std::uintptr_t*>(out) = info->dlpi_addr;
        return 1;  // the program is the first of all objects
      },
      &address);
  return address;
}

// "void a::b<c>(d)" -> "b<c>"
std::string shortened(const char* mangled) {
  const std::unique_ptr<char, void (*)(void*)> demangled(abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr),
                                                         std::free);
  std::string name = demangled ? demangled.get() : mangled;
  name = std::regex_replace(name, std::regex(R"(\(anonymous namespace\)::|isobath::|kernel::|cuda::|flash::)"), "");
  name = std::regex_replace(name, std::regex("^void "), "");
  name = std::regex_replace(name, std::regex(R"(\bbfloat16\b)"), "bf16");
  name = std::regex_replace(name, std::regex(R"(\bfloat\b)"), "f32");
  return name.substr(0, name.find('('));
}

}  // namespace

KernelName name_of(const void* kernel) {
  static const Image image;
  const std::uintptr_t wanted = reinterpret_cast<std::uintptr_t>(kernel) - load_address();
  std::string file;
  KernelName found;
  image.for_each_symbol([&](const Elf64_Sym& symbol, const char* name) {
    const unsigned char type = ELF64_ST_TYPE(symbol.st_info), binding = ELF64_ST_BIND(symbol.st_info);
    if (type == STT_FILE) file = name;
    if (type != STT_FUNC || symbol.st_value != wanted || !found.name.empty()) return;
    found = {binding == STB_LOCAL ? file : "", shortened(name)};
  });
  if (found.name.empty()) throw std::runtime_error("kernel_name: no function begins there");
  return found;
}

}  // namespace isobath::traffic
