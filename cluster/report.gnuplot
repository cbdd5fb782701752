# gnuplot -e "folder='report'" cluster/report.gnuplot: draws what `isobath report --output report` wrote as report/report.svg.
runs = system("cat ".folder."/runs.txt")
curve(run) = folder."/curve-".run.".tsv"
averaged(run) = "< awk -F'\\t' '{sum += $3; if (NR > 15) sum -= old[NR % 15]; old[NR % 15] = $3; if (NR >= 15) print $2 \"\\t\" sum / 15}' ".curve(run)
rules(run) = "< awk -F'\\t' '$1 == \"".run."\"' ".folder."/rules.tsv"
colors = "#1f3b73 #c8553d #3c8d5a #8a6fae #777777"
set terminal svg size 1000,420 font "Helvetica,13" background "white"
set output folder."/report.svg"
set multiplot layout 1,2
set grid lc rgb "#dddddd"
set border 3
set tics nomirror

set title "Training loss against executed compute"
set xlabel "executed TFLOPs, forward and backward"
set ylabel "loss (nats per token); thick: mean of 15 steps"
set yrange [*:3.2]
set key top right
plot for [i=1:words(runs)] curve(word(runs,i)) using ($2/1e12):3 with lines lw 0.4 lc rgb word(colors,i) notitle, \
     for [i=1:words(runs)] averaged(word(runs,i)) using ($1/1e12):2 with lines lw 2.5 lc rgb word(colors,i) title word(runs,i)

set title "What is executed, and what it costs, by routing rule"
set xlabel "forward FLOPs over the same model without routing"
set ylabel "validation loss (nats per token)"
set format x "%.1f"
set xrange [0:1.25]
set yrange [*:*]
set offsets 0, 0, graph 0.08, graph 0.08
set key top right box lc rgb "#cccccc"
plot for [i=1:words(runs)] rules(word(runs,i)) using 4:3 with points pt 7 ps 1.1 lc rgb word(colors,i) title word(runs,i), \
     for [i=1:words(runs)] rules(word(runs,i)) using ($4+0.02):($3+0.014*$0*(i==words(runs))+(i==1 ? 0.014 : 0)):2 with labels left font ",10" tc rgb word(colors,i) notitle
unset multiplot
