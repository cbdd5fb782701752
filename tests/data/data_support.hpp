#pragma once
// Files by content, errors by their words.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "data/order/split.hpp"
#include "data/tokens/token_writer.hpp"
#include "support/temp_folder.hpp"

namespace isobath::test {

inline void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The little-endian bytes of `values`.
template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// A file of llm.c's format.
template <class T>
std::string llmc_bytes(std::int32_t magic, std::int32_t version, const std::vector<T>& tokens) {
  std::vector<std::int32_t> header(256, 0);
  header[0] = magic;
  header[1] = version;
  header[2] = static_cast<std::int32_t>(tokens.size());
  return bytes_of(header) + bytes_of(tokens);
}

/// first, first + 1, ...
template <class T>
std::vector<T> counting(std::size_t count, T first = 0) {
  std::vector<T> out(count);
  std::iota(out.begin(), out.end(), first);
  return out;
}

/// A stream in which token i is i, so that a token names its position. Its file may be removed at once.
inline std::shared_ptr<const TokenStream> counting_stream(std::int64_t tokens) {
  const TempFolder folder;
  const auto path = folder / "counting.tok";
  TokenWriter writer(path, TokenizerKind::External, 1 << 30);
  writer.append(counting<std::int32_t>(static_cast<std::size_t>(tokens)));
  writer.finish();
  std::vector<TokenFile> files;
  files.push_back(TokenFile::read(path, TokenFormat::Shard));
  return std::make_shared<const TokenStream>(std::move(files), 1 << 30);
}

/// For EXPECT_TRUE: `body` throws an E whose message has every one of `parts`.
template <class E = DataError, class Body>
::testing::AssertionResult refuses(Body&& body, std::initializer_list<std::string_view> parts) {
  try {
    body();
  } catch (const E& error) {
    for (const std::string_view part : parts)
      if (std::string_view(error.what()).find(part) == std::string_view::npos)
        return ::testing::AssertionFailure() << "no \"" << part << "\" in: " << error.what();
    return ::testing::AssertionSuccess() << error.what();
  } catch (const std::exception& error) {
    return ::testing::AssertionFailure() << "another kind of error: " << error.what();
  }
  return ::testing::AssertionFailure() << "no error";
}

/// A file of the data collection the environment variable ISOBATH_DATA names; nothing without it.
inline std::optional<std::filesystem::path> collection_file(const std::string& name) {
  const char* const root = std::getenv("ISOBATH_DATA");
  if (root == nullptr) return std::nullopt;
  const std::filesystem::path path = std::filesystem::path(root) / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace isobath::test
