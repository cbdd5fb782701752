#include "data/prepare/prepare.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "data/corpora/corpora.hpp"
#include "launcher/command.hpp"
#include "launcher/prepare_ranks.hpp"
#include "launcher/session.hpp"
#include "launcher/signals.hpp"
#include "parallel/world.hpp"

namespace isobath {
namespace {

struct PrepareArguments {
  PrepareOptions options;
  std::string tokenizer = "bytes";
  std::string vocabulary;
  std::string documents;
  std::string corpus, from;
  int threads = 0;
};

void print(const std::filesystem::path& output, const PrepareReport& report) {
  const bool written = report.outcome == PrepareOutcome::Written;
  std::printf("%s %s: %lld tokens from %lld bytes, vocabulary %lld, %lld shard%s, fingerprint %s\n",
              written ? "wrote" : "already there, verified:", output.c_str(), static_cast<long long>(report.tokens),
              static_cast<long long>(report.source_bytes), static_cast<long long>(report.vocabulary),
              static_cast<long long>(report.shards), report.shards == 1 ? "" : "s", report.fingerprint.hex().c_str());
}

/// A line that rewrites itself on a terminal, and one line every ten seconds elsewhere.
class ProgressLine {
 public:
  void show(const PrepareProgress& progress) {
    const auto now = Clock::now();
    if (stage_ != progress.stage) {
      stage_ = progress.stage;
      began_ = now;
      first_ = progress.done;
    }
    const bool is_last = progress.done == progress.wanted;
    if (now - shown_ < (is_terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(10)) &&
        !(is_last && is_terminal_))
      return;
    shown_ = now;
    const bool is_text = progress.unit == ProgressUnit::Bytes;
    const double scale = is_text ? 1e-6 : 1.0, seconds = std::chrono::duration<double>(now - began_).count();
    const double done = static_cast<double>(progress.done - first_) * scale;
    std::fprintf(stderr, "%s%s: %.0f of %.0f%s, %.1f%s/s%s", is_terminal_ ? "\r" : "", progress.stage,
                 static_cast<double>(progress.done) * scale, static_cast<double>(progress.wanted) * scale,
                 is_text ? " MB" : "", seconds > 0 ? done / seconds : 0.0, is_text ? " MB" : "",
                 is_terminal_ && !is_last ? "" : "\n");
  }

 private:
  using Clock = std::chrono::steady_clock;
  const bool is_terminal_ = ::isatty(2) == 1;
  std::string_view stage_;
  Clock::time_point began_, shown_ = Clock::now();
  std::int64_t first_ = 0;
};

[[noreturn]] void refuse(const std::string& what) { throw Error(ExitCode::Usage, "prepare: " + what); }

// KIND or KIND:FILE.
void read_tokenizer(const PrepareArguments& given, PrepareOptions& options) {
  const std::size_t colon = given.tokenizer.find(':');
  const auto kind = tokenizer_kind_of(std::string_view(given.tokenizer).substr(0, colon));
  if (!kind || *kind == TokenizerKind::External)
    refuse("the tokenizers are bytes, characters, bpe and sentencepiece, not " + given.tokenizer);
  options.tokenizer = *kind;
  if (colon != std::string::npos) options.vocabulary = given.tokenizer.substr(colon + 1);
}

// A number of entries, or a file.
void read_vocabulary(const std::string& given, PrepareOptions& options) {
  if (given.empty()) return;
  if (!options.vocabulary.empty()) refuse("the vocabulary is named twice");
  std::int64_t entries = 0;
  const auto [end, problem] = std::from_chars(given.data(), given.data() + given.size(), entries);
  if (problem == std::errc() && end == given.data() + given.size() && entries > 0)
    options.entries = entries;
  else
    options.vocabulary = given;
}

// NAME for the training part of a corpus, NAME:validation for the other.
void add_corpus(const PrepareArguments& arguments, PrepareOptions& options) {
  if (arguments.corpus.empty()) return;
  const std::size_t colon = arguments.corpus.find(':');
  const std::string part = colon == std::string::npos ? "train" : arguments.corpus.substr(colon + 1);
  const Corpus& corpus = corpus_named(std::string_view(arguments.corpus).substr(0, colon));
  if (part != "train" && part != "validation") refuse("a corpus has the parts train and validation, not " + part);
  const auto& files = part == "train" ? corpus.train : corpus.validation;
  if (files.empty()) refuse(std::string(corpus.name) + " has no part " + part);
  const char* const collection = std::getenv("ISOBATH_DATA");
  std::string folder = arguments.from;
  if (folder.empty()) folder = collection != nullptr ? collection : "corpora";
  for (const CorpusFile& file : files) options.inputs.push_back(find_corpus_file(file, corpus.name, folder));
}

PrepareOptions options_of(const PrepareArguments& arguments) {
  PrepareOptions options = arguments.options;
  read_tokenizer(arguments, options);
  read_vocabulary(arguments.vocabulary, options);
  add_corpus(arguments, options);
  if (!arguments.documents.empty()) {
    DocumentRule rule;
    parse_documents(arguments.documents, rule);
    options.documents = rule.unit;
    options.field = rule.field;
  }
  return options;
}

void add_options(CLI::App& command, PrepareArguments& arguments) {
  PrepareOptions& options = arguments.options;
  command.add_option("input", options.inputs, "text files and folders of text files, read in this order");
  CLI::Option* corpus =
      command.add_option("--corpus", arguments.corpus,
                         "a public corpus by name, its files told by their checksums: NAME, or NAME:validation");
  command.add_option("--from", arguments.from, "folder of a copy of the corpus; default: $ISOBATH_DATA, or corpora")
      ->needs(corpus);
  command.add_option("-o,--output", options.output, "folder of the dataset")->required();
  command
      .add_option("-t,--tokenizer", arguments.tokenizer,
                  "bytes (256 symbols, any file), characters (of UTF-8 text), bpe or sentencepiece; KIND:FILE names "
                  "its vocabulary")
      ->capture_default_str();
  command.add_option("--vocabulary", arguments.vocabulary,
                     "file of the vocabulary (vocabulary.json, tokenizer.json, vocab.bpe beside encoder.json, a "
                     ".model); or a number of entries: it is learnt from the texts");
  command.add_option("--documents", arguments.documents,
                     "what a document is: file (default with bpe and sentencepiece), line, blank-line, jsonl:FIELD, "
                     "none");
  const std::map<std::string, EndTokenPlace> places{
      {"none", EndTokenPlace::None}, {"before", EndTokenPlace::Before}, {"after", EndTokenPlace::After}};
  command.add_option("--end-token", options.end_token, "where a document's end token stands: before, after, none")
      ->transform(CLI::CheckedTransformer(places));
  command.add_option("--threads", arguments.threads, "of each rank, that encode; default: its share of the cores")
      ->check(CLI::PositiveNumber);
  command.add_option("--part-bytes", options.part_bytes, "text that a thread encodes at a time, and that is kept")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command.add_option("--shard-tokens", options.shard_tokens, "most tokens of one file")->capture_default_str();
}

ExitCode prepare_here(const PrepareArguments& arguments, Communicator& ranks) {
  int threads = arguments.threads;
  if (const auto places = gather_places(ranks); threads == 0)
    threads = host_share(places, static_cast<std::size_t>(ranks.rank())).threads;
  const auto options = [&] {
    PrepareOptions out = options_of(arguments);
    out.progress = [line = std::make_shared<ProgressLine>()](const auto& progress) { line->show(progress); };
    return out;
  };
  const PrepareReport report = prepare_on_ranks(options, threads, ranks);
  if (ranks.rank() == 0) print(arguments.options.output, report);
  return ExitCode::Done;
}

}  // namespace

void add_prepare(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<PrepareArguments>();
  CLI::App* command = app.add_subcommand("prepare", "turn text files into a token dataset");
  add_options(*command, *arguments);
  command->add_flag_callback(
      "--overwrite", [arguments] { arguments->options.on_existing = OnExisting::Overwrite; },
      "replace a dataset that is already in the folder");
  command->callback([arguments, &chosen] {
    chosen = [arguments] {
      stop_on_signals();
      return on_ranks([&](Communicator& ranks) { return prepare_here(*arguments, ranks); });
    };
  });
}

}  // namespace isobath
