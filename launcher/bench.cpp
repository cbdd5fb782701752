#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "launcher/command.hpp"
#include "launcher/device_option.hpp"
#include "launcher/session.hpp"
#include "launcher/signals.hpp"
#include "launcher/tokenizer_bench.hpp"
#include "launcher/units.hpp"
#include "ops/core/device_memory.hpp"
#include "ops/core/files/json.hpp"
#include "ops/core/threads.hpp"
#include "parallel/agreement.hpp"
#include "trainer/bench/checkpoint_bench.hpp"
#include "trainer/bench/step_bench.hpp"
#include "trainer/report/step_trace.hpp"
#include "trainer/run/device_ranks.hpp"

namespace isobath {
namespace {

struct BenchArguments {
  StepBenchOptions options;
  std::int64_t threads = 0;
  Binding bind = Binding::Auto;
  bool over_ranks = false;
  bool of_checkpoints = false;
  std::string directory = ".";
  bool as_json = false;
  DeviceChoice device = DeviceChoice::Cpu;
  bool dense_only = false;
  Recompute recompute = Recompute::None;
  std::string trace = {};
  TokenizerBenchArguments tokenizer = {};
};

/// The sizes that the project's figures are stated for.
StepBenchOptions small_model() {
  StepBenchOptions options;
  options.model.layers = 6;
  options.model.width = 384;
  options.model.heads = 6;
  options.model.context = 256;
  options.model.vocabulary = 65;
  options.model.dropout = 0.0;
  DepthConfig dense, mixture, selective;
  mixture.policy = DepthPolicy::MixtureOfDepths;
  selective.policy = DepthPolicy::TokenSelective;
  options.depths = {dense, mixture, selective};
  return options;
}

std::string name_of(const ModelConfig& model) {
  const char* family = model.family == Family::Modern ? "modern " : "";
  return text(family, 'd', model.width, " L", model.layers, " H", model.heads, " T", model.context);
}

/// What rank 0 computes on.
std::string name_of_device(const BenchArguments& arguments) {
  const Device device = device_of(arguments.device);
  return device.is_cuda() ? cuda_device_name(device) : "cpu";
}

nlohmann::ordered_json ops_json(const std::vector<OpRow>& ops) {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  for (const OpRow& row : ops)
    out.push_back({{"op", row.op},
                   {"work", name_of(row.work)},
                   {"direction", name_of(row.direction)},
                   {"calls", row.calls},
                   {"seconds", row.seconds},
                   {"share_of_step", row.share_of_step},
                   {"limit", name_of(row.limit)},
                   {"share_of_limit", row.share_of_limit}});
  return out;
}

void print_ops(const StepBenchReport& report) {
  for (const StepBenchRow& row : report.rows) {
    std::printf("\n%s %s, recompute %s, by op; copying moves %.1f GB/s\n%-18s %-11s %-9s %7s %9s %8s %10s\n",
                row.policy.c_str(), std::string(name_of(row.dtype)).c_str(),
                std::string(name_of(row.recompute)).c_str(), report.bandwidth * 1e-9, "op", "work", "direction",
                "calls", "ms/step", "of step", "of limit");
    for (const OpRow& op : row.ops) {
      if (op.limit == OpLimit::None && op.share_of_step < 0.001) continue;
      std::printf("%-18s %-11s %-9s %7.1f %9.2f %8.3f", op.op.c_str(), name_of(op.work), name_of(op.direction),
                  op.calls, op.seconds * 1e3, op.share_of_step);
      if (op.limit != OpLimit::None) std::printf(" %10.3f of %s", op.share_of_limit, name_of(op.limit));
      std::printf("\n");
    }
  }
}

void print_json(const BenchArguments& arguments, const StepBenchReport& report) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const StepBenchRow& row : report.rows)
    rows.push_back({{"model", name_of(arguments.options.model)},
                    {"dtype", name_of(row.dtype)},
                    {"policy", row.policy},
                    {"recompute", name_of(row.recompute)},
                    {"batch", arguments.options.batch},
                    {"ranks", row.ranks},
                    {"threads", row.threads},
                    {"seconds", row.seconds},
                    {"compute_seconds", row.compute_seconds},
                    {"communication_seconds", row.communication_seconds},
                    {"imbalance", row.imbalance},
                    {"tokens_per_s", row.tokens_per_second},
                    {"peak_flops", row.peak_flops},
                    {"share_of_peak", row.share_of_peak},
                    {"flop_ratio", row.flop_ratio},
                    {"time_ratio", row.time_ratio},
                    {"dtype_ratio", row.dtype_ratio},
                    {"recompute_ratio", row.recompute_ratio},
                    {"activation_bytes", row.activation_bytes},
                    {"new_blocks", row.new_blocks},
                    {"host_waits", row.host_waits},
                    {"cuda_graph", name_of(arguments.options.cuda_graph)},
                    {"bus_bandwidth", row.bus_bandwidth},
                    {"device", name_of_device(arguments)},
                    {"ops", ops_json(row.ops)}});
  std::printf("%s\n", rows.dump(1).c_str());
}

void print_ranks(const StepBenchReport& report) {
  std::printf("%15s %9s %11s %14s %10s %10s %7s %11s %9s %9s\n", "ranks x threads", "ms/step", "ms compute",
              "ms communicate", "imbalance", "tokens/s", "share", "time ratio", "act. MiB", "bus GB/s");
  for (const StepBenchRow& row : report.rows)
    std::printf("%15s %9.1f %11.1f %14.1f %10.3f %10.0f %7.3f %11.3f %9.1f %9.2f\n",
                text(row.ranks, " x ", row.threads).c_str(), row.seconds * 1e3, row.compute_seconds * 1e3,
                row.communication_seconds * 1e3, row.imbalance, row.tokens_per_second, row.share_of_peak,
                row.time_ratio, mebibytes(row.activation_bytes), row.bus_bandwidth * 1e-9);
}

void print_table(const BenchArguments& arguments, const StepBenchReport& report) {
  const bool has_graphs = arguments.options.cuda_graph == CudaGraphChoice::MicroBatch;
  std::printf("%s, batch %lld%s; %lld steps after %lld\n", name_of(arguments.options.model).c_str(),
              static_cast<long long>(arguments.options.batch), has_graphs ? ", micro-batches as CUDA graphs" : "",
              static_cast<long long>(arguments.options.steps), static_cast<long long>(arguments.options.warmup));
  if (arguments.device == DeviceChoice::Cuda) std::printf("on %s\n", name_of_device(arguments).c_str());
  for (std::size_t i = 0; i < report.rows.size(); ++i)
    if (i == 0 || report.rows[i].dtype != report.rows[i - 1].dtype)
      std::printf("peak %s %.1f GFLOP/s\n", std::string(name_of(report.rows[i].dtype)).c_str(),
                  report.rows[i].peak_flops * 1e-9);
  std::printf("\n");
  if (arguments.over_ranks) return print_ranks(report);
  std::printf("%-18s %-5s %-9s %15s %9s %10s %7s %11s %11s %11s %10s %9s %7s %6s\n", "policy", "dtype", "recompute",
              "ranks x threads", "ms/step", "tokens/s", "share", "flop ratio", "time ratio", "dtype ratio",
              "rec. ratio", "act. MiB", "blocks", "waits");
  for (const StepBenchRow& row : report.rows)
    std::printf("%-18s %-5s %-9s %15s %9.1f %10.0f %7.3f %11.3f %11.3f %11.3f %10.3f %9.1f %7lld %6lld\n",
                row.policy.c_str(), std::string(name_of(row.dtype)).c_str(),
                std::string(name_of(row.recompute)).c_str(), text(row.ranks, " x ", row.threads).c_str(),
                row.seconds * 1e3, row.tokens_per_second, row.share_of_peak, row.flop_ratio, row.time_ratio,
                row.dtype_ratio, row.recompute_ratio, mebibytes(row.activation_bytes),
                static_cast<long long>(row.new_blocks), static_cast<long long>(row.host_waits));
  if (arguments.options.by_op) print_ops(report);
}

void print_json(const BenchArguments& arguments, const std::vector<CheckpointBenchRow>& figures, int ranks) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const CheckpointBenchRow& row : figures)
    rows.push_back({{"model", name_of(arguments.options.model)},
                    {"batch", arguments.options.batch},
                    {"ranks", ranks},
                    {"threads", kernel_threads()},
                    {"figure", row.figure},
                    {"against", row.against},
                    {"amount", row.amount},
                    {"seconds", row.seconds},
                    {"reference_seconds", row.reference_seconds},
                    {"ratio", row.ratio},
                    {"goal", row.goal == Goal::AtMost ? "at most" : "at least"},
                    {"limit", row.limit},
                    {"is_met", row.is_met()}});
  std::printf("%s\n", rows.dump(1).c_str());
}

void print_table(const BenchArguments& arguments, const std::vector<CheckpointBenchRow>& figures, int ranks) {
  std::printf("%s, batch %lld, f32; %d x %d ranks x threads; medians of %lld rounds\n\n",
              name_of(arguments.options.model).c_str(), static_cast<long long>(arguments.options.batch), ranks,
              kernel_threads(), static_cast<long long>(CheckpointBenchOptions().rounds));
  std::printf("%-9s %-14s %14s %10s %13s %8s %14s\n", "figure", "against", "amount", "ms", "ms reference", "ratio",
              "goal");
  for (const CheckpointBenchRow& row : figures)
    std::printf("%-9s %-14s %14lld %10.1f %13.1f %8.3f %8s %4.1f %s\n", row.figure.c_str(), row.against.c_str(),
                static_cast<long long>(row.amount), row.seconds * 1e3, row.reference_seconds * 1e3, row.ratio,
                row.goal == Goal::AtMost ? "at most" : "at least", row.limit, row.is_met() ? "met" : "missed");
}

void bench_of_checkpoints(const BenchArguments& arguments, Communicator& ranks) {
  const StepBenchOptions& options = arguments.options;
  const auto figures = bench_checkpoints(
      {.model = options.model, .batch = options.batch, .parallel = options.parallel, .directory = arguments.directory},
      ranks);
  if (ranks.rank() != 0) return;
  if (arguments.as_json)
    print_json(arguments, figures, ranks.size());
  else
    print_table(arguments, figures, ranks.size());
}

void check_heads(const ModelConfig& model) {
  if (model.width % model.heads == 0 && model.heads % model.key_heads() == 0) return;
  throw Error(ExitCode::Usage, text("--width ", model.width, " is no multiple of --heads ", model.heads,
                                    ", or that of ", model.key_heads(), " key heads; choose numbers that divide"));
}

ExitCode bench(const BenchArguments& arguments, Communicator& ranks) {
  on_every_rank(ranks, [&] {
    check_heads(arguments.options.model);
    if (arguments.over_ranks && arguments.options.dtypes.size() > 1)
      throw Error(ExitCode::Usage, "--over-ranks compares ranks in one dtype; run it once for each");
    const bool has_graphs = arguments.options.cuda_graph == CudaGraphChoice::MicroBatch;
    if (has_graphs && (arguments.device != DeviceChoice::Cuda || arguments.options.parallel.zero == 2))
      throw Error(ExitCode::Usage, "--cuda-graph takes --device cuda and --zero 0 or 1, as system.cuda_graph does");
  });
  // Over ranks, each row binds the ranks that it has.
  settle_threads({.threads = arguments.threads, .bind = arguments.over_ranks ? Binding::None : arguments.bind}, ranks);
  StepBenchOptions options = arguments.options;
  options.device = on_every_rank(ranks, [&] { return device_of(arguments.device); });
  if (arguments.dense_only) options.depths.resize(1);
  options.bind = arguments.bind;
  options.traced = !arguments.trace.empty();
  if (arguments.recompute == Recompute::Block) options.recomputes = {Recompute::None, Recompute::Block};
  if (arguments.of_checkpoints) {
    bench_of_checkpoints(arguments, ranks);
    return ExitCode::Done;
  }
  const StepBenchReport report = arguments.over_ranks ? bench_ranks(options, ranks) : bench_steps(options, ranks);
  if (options.traced) write_trace(arguments.trace, report.trace, ranks);
  if (ranks.rank() != 0) return ExitCode::Done;
  if (arguments.as_json)
    print_json(arguments, report);
  else
    print_table(arguments, report);
  return ExitCode::Done;
}

}  // namespace

void add_bench(CLI::App& app, CommandBody& chosen) {
  auto arguments = std::make_shared<BenchArguments>();
  arguments->options = small_model();
  StepBenchOptions& options = arguments->options;
  CLI::App* command = app.add_subcommand("bench", "whole training steps against this machine's measured limit");
  command->add_option("--layers", options.model.layers, "blocks")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--width", options.model.width, "channels")->capture_default_str()->check(CLI::PositiveNumber);
  command->add_option("--heads", options.model.heads, "attention heads")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--family", options.model.family, "paper or modern, as model.family")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, Family>{{"paper", Family::Paper}, {"modern", Family::Modern}}));
  command->add_option("--kv-heads", options.model.kv_heads, "heads of keys and values; 0: as many as heads")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--context", options.model.context, "tokens of a sequence")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--vocabulary", options.model.vocabulary, "symbols")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--batch", options.batch, "sequences over all ranks")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--dtype", options.dtypes, "numbers of the products, f32 or bf16; both: f32,bf16")
      ->delimiter(',')
      ->transform(
          CLI::Transformer(std::map<std::string, DTypeChoice>{{"f32", DTypeChoice::F32}, {"bf16", DTypeChoice::Bf16}}))
      ->default_str("f32");
  command->add_flag("--by-op", options.by_op, "a table of the step by op, each beside its limit");
  CLI::Option* recompute =
      command
          ->add_option("--recompute", arguments->recompute,
                       "block: every row a second time with its blocks recomputed in backward, as train.recompute")
          ->transform(CLI::CheckedTransformer(
              std::map<std::string, Recompute>{{"none", Recompute::None}, {"block", Recompute::Block}}))
          ->default_str("none");
  CLI::Option* trace =
      command->add_option("--trace", arguments->trace,
                          "a file for one step more of every row, op by op and rank by rank, as trace viewers read it");
  command->add_flag("--dense-only", arguments->dense_only, "no rows with routing");
  command->add_option("--steps", options.steps, "counted steps of each row")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--zero", options.parallel.zero, "ZeRO stage, as parallel.zero")
      ->capture_default_str()
      ->check(CLI::Range(0, 2));
  command->add_option("--threads", arguments->threads, "threads of a rank; 0: its share of the cores")
      ->capture_default_str();
  command->add_flag_callback(
      "--unbound", [arguments] { arguments->bind = Binding::None; }, "as system.bind: none");
  CLI::Option* device = add_device(*command, arguments->device);
  command->add_flag_callback(
      "--cuda-graph", [arguments] { arguments->options.cuda_graph = CudaGraphChoice::MicroBatch; },
      "micro-batches as CUDA graphs, as system.cuda_graph: micro_batch; tables by op are taken without");
  CLI::Option* checkpoints = command
                                 ->add_flag("--checkpoints", arguments->of_checkpoints,
                                            "what saving and loading cost against memcpy, plain writing and reading")
                                 ->excludes(device);
  command
      ->add_option("--directory", arguments->directory,
                   "with --checkpoints: where to write; a folder is made and removed")
      ->needs(checkpoints)
      ->capture_default_str();
  command
      ->add_flag("--over-ranks", arguments->over_ranks,
                 "compare 1, 2, ... ranks with the same threads between them; under mpirun or srun")
      ->excludes(checkpoints)
      ->excludes(recompute)
      ->excludes(trace);
  command->add_flag("--json", arguments->as_json, "print an array of rows");
  CLI::Option* text = command->add_option("--text", arguments->tokenizer.text, "with --tokenizer: the text to encode");
  command
      ->add_option("--tokenizer", arguments->tokenizer.vocabulary, "speed of a byte-level BPE vocabulary, one thread")
      ->needs(text);
  command->callback([arguments, &chosen] {
    if (!arguments->tokenizer.vocabulary.empty()) {
      chosen = [arguments] { return bench_tokenizer(arguments->tokenizer); };
      return;
    }
    chosen = [arguments] {
      if (arguments->of_checkpoints) stop_on_signals();  // it has files to take away
      return on_ranks([arguments](Communicator& ranks) { return bench(*arguments, ranks); });
    };
  });
}

}  // namespace isobath
