# gnuplot -e "folder='report'" cluster/report.gnuplot: draws what `isobath report --output report` wrote as report/report.svg.
runs = system("cat ".folder."/runs.txt")
set terminal svg size 1000,420 font "Helvetica,13" background "white"
set output folder."/report.svg"
set multiplot layout 1,2
set grid lc rgb "#dddddd"
set border 3
set tics nomirror
colors = "#1f3b73 #c8553d #3c8d5a #8a6fae #777777"

set title "Training loss against executed compute"
set xlabel "executed FLOPs, forward and backward"
set ylabel "loss (nats per token; smoothed)"
set format x "%.1e"
set xtics rotate by -25
set key top right
plot for [i=1:words(runs)] folder."/curve-".word(runs,i).".tsv" using 2:3 smooth unique with lines lw 0.4 lc rgb word(colors,i) notitle, \
     for [i=1:words(runs)] folder."/curve-".word(runs,i).".tsv" every 10 using 2:3 smooth bezier with lines lw 2.5 lc rgb word(colors,i) title word(runs,i)

set title "What is skipped, and what it costs"
set xlabel "forward FLOPs over the same model without routing"
set ylabel "validation loss (nats per token)"
set format x "%.2f"
set xtics norotate autofreq
set xrange [0:1.1]
set key bottom left
plot for [i=1:words(runs)] "< awk -F'\t' '$1==\"".word(runs,i)."\"' ".folder."/rules.tsv" using 4:3 with points pt 7 ps 1.1 lc rgb word(colors,i) title word(runs,i), \
     for [i=1:words(runs)] "< awk -F'\t' '$1==\"".word(runs,i)."\"' ".folder."/rules.tsv" using 4:3:2 with labels offset 0,0.8 font ",10" tc rgb word(colors,i) notitle
unset multiplot
