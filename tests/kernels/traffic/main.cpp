// kernel_traffic: runs every case under the emulation and prints, a line each, what its kernels move.
// kernel_traffic FILE: compares with the lines of a file; ends with 1 and the differing lines when they are not the
// same. Either way it ends with 1 when a case moves more than kAllowance of what it has to, and does not say why.

#include <fstream>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "kernels/cases/case.hpp"
#include "kernels/traffic/kernel_name.hpp"
#include "kernels/traffic/recorder.hpp"
#include "tests/emulated/streams/schedule.hpp"

namespace isobath::traffic {
namespace {

struct Counted {
  Case of;
  std::vector<Launch> launches;

  double least() const { return of.least.of_rows + of.least.of_others; }
  Moved moved() const {
    Moved sum;
    for (const Launch& launch : launches) sum += launch.moved;
    return sum;
  }
  double over_least() const { return static_cast<double>(moved().memory) / least(); }
};

Counted counted(Case of) {
  Recorder::instance().take();  // what the making of tensors launched
  of.run(current_cuda_queue(kDevice));
  return {std::move(of), Recorder::instance().take()};
}

constexpr const char* kHead = "op\ttype\tleast bytes\tflops\tasked\tfetched\tmemory\tkernels\twhy";

// Bytes and flops are those of the whole step.
std::string line_of(const Counted& counted) {
  std::ostringstream line;
  const Moved moved = counted.moved();
  const Case& of = counted.of;
  line << of.op << '\t' << of.type << '\t' << std::fixed << std::setprecision(0)
       << of.least.of_rows * of.more_rows + of.least.of_others << '\t' << of.flops * of.more_rows
       << std::setprecision(2);
  for (const std::int64_t bytes : {moved.asked, moved.fetched, moved.memory})
    line << '\t' << static_cast<double>(bytes) / counted.least();
  line << '\t';
  for (const Launch& launch : counted.launches) {
    const KernelName kernel = name_of(launch.kernel);
    line << (&launch == counted.launches.data() ? "" : "; ") << kernel.file << ':' << kernel.name << ' '
         << launch.threads << ' ' << launch.dynamic_bytes;
  }
  line << '\t' << of.why;
  return line.str();
}

bool explains_itself(const Counted& counted) {
  const double ratio = counted.over_least();
  const bool needs_reason = ratio > kAllowance, has_reason = !counted.of.why.empty();
  if (needs_reason == has_reason) return true;
  std::cerr << counted.of.op << ' ' << counted.of.type << " moves " << ratio << " of the least"
            << (has_reason ? ": no reason is needed any more\n" : ": mend it, or say why in its case\n");
  return false;
}

bool same_as(const std::string& path, const std::vector<std::string>& lines) {
  std::ifstream file(path);
  bool same = true;
  std::string line;
  for (const std::string& want : lines) {
    if (!std::getline(file, line)) line.clear();
    if (line == want) continue;
    same = false;
    std::cerr << "- " << line << "\n+ " << want << '\n';
  }
  if (std::getline(file, line)) same = false;
  if (!same) std::cerr << path << " is not what is counted: write it anew with kernel_traffic > " << path << '\n';
  return same;
}

int run(int count, char** arguments) {
  emulated::set_schedule({emulated::ScheduleKind::Eager});
  emulated::observe_grids(&Recorder::instance());
  bool good = true;
  std::vector<std::string> lines{kHead};
  for (const auto cases :
       {element_cases, row_cases, norm_cases, linear_cases, loss_cases, update_cases, attention_cases})
    for (Case& each : cases()) {
      const Counted result = counted(std::move(each));
      good = explains_itself(result) && good;
      lines.push_back(line_of(result));
    }
  emulated::observe_grids(nullptr);
  if (count > 1) return same_as(arguments[1], lines) && good ? 0 : 1;
  for (const std::string& line : lines) std::cout << line << '\n';
  return good ? 0 : 1;
}

}  // namespace
}  // namespace isobath::traffic

int main(int count, char** arguments) { return isobath::traffic::run(count, arguments); }
