#include "launcher/tokenizer_bench.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "data/bpe/bpe_files.hpp"
#include "data/bpe/bpe_tokenizer.hpp"
#include "data/files/text_reader.hpp"

namespace isobath {

ExitCode bench_tokenizer(const TokenizerBenchArguments& arguments) {
  constexpr std::size_t kMostText = std::size_t{1} << 30, kRounds = 5;
  const BpeTokenizer tokenizer(read_bpe_vocabulary(arguments.vocabulary), arguments.vocabulary);
  const std::string text = read_text(arguments.text, kMostText);
  std::vector<double> seconds;
  std::size_t tokens = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto began = std::chrono::steady_clock::now();
    tokens = tokenizer.encode(text).size();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  std::sort(seconds.begin(), seconds.end());
  const double median = seconds[kRounds / 2];
  std::printf("{\"tokens\": %zu, \"bytes\": %zu, \"seconds\": %.4f, \"mb_per_s\": %.2f}\n", tokens, text.size(), median,
              static_cast<double>(text.size()) * 1e-6 / median);
  return ExitCode::Done;
}

}  // namespace isobath
