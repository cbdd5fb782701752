#pragma once

namespace isobath {

/// The part of the script that is the same for every site: bash that reads the variables which render_job sets before
/// it (directory, run, command, repeat, chain, output, max_requeues, modules).
const char* job_body();

}  // namespace isobath
