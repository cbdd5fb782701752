# How device code is compiled, besides architecture and include path; tests/kernels/compile.py reads this list too.
# Relaxed constexpr: View, Shape and bfloat16 are plain constexpr code. Warning 554 speaks of View's conversion to a
# View of const where a constraint has ruled it out. Spilled registers and local arrays indexed at run time are errors,
# because they cost memory traffic that the source does not show. PTX stays readable for tools.
set(ISOBATH_NVCC_FLAGS
  --expt-relaxed-constexpr
  -lineinfo
  --no-compress
  -diag-suppress=554
  -Werror=all-warnings
  -Xcompiler=-Wall,-Wextra,-Werror
  -Xptxas=-warn-spills,-warn-lmem-usage,-Werror)
