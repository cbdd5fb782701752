#pragma once
// SHA-256 (FIPS 180-4): what publishers of data state, so that a copy from anywhere can be told from the original.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace isobath {

class Sha256 {
 public:
  Sha256& update(std::span<const std::byte> bytes);
  /// 64 lower-case hexadecimal digits. Nothing may be added behind it.
  std::string finish();

 private:
  void compress(const std::byte* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> block_{};
  std::uint64_t bytes_ = 0;
};

/// Of a file's content. Throws DataError when it cannot be read.
std::string sha256_of(const std::filesystem::path& path);

}  // namespace isobath
