#!/usr/bin/env bash
# The searches behind the constants of rules/ and networks/: validation images only, seed 0 (digits: seeds 0 to 2). Set SPIKEMETA_DATA for MNIST.
# Usage: docs/search.sh [FOLDER]; some four hours on two cores (estimated).
set -euo pipefail
out=${1:-results}

search() { # name, then the options
    local name=$1
    shift
    spikemeta run search --rules "${name%%-[0-9]*}" --out "$out/search-$name" "$@"
}

mnist() { search "$@" --dataset mnist --scale full; }

mnist sgd --grid hidden.lr=1e-4,3e-4,1e-3 --grid readout.lr=1e-4,3e-4
mnist laplace-200 --grid hidden.lr=1.2e-4 --grid readout.lr=4e-4 --grid hidden.curvature=3e-3,4.5e-3 \
    --grid readout.curvature=3.3e-3,4.5e-3
mnist laplace-500 --hidden 500 --grid hidden.lr=1.2e-4 --grid readout.lr=4e-4 --grid hidden.curvature=3e-3,4.5e-3 \
    --grid readout.curvature=3.3e-3,4.5e-3
sigma=(--grid hidden.sigma_prior=0.004 --grid hidden.sigma_init=0.004 --grid readout.sigma_prior=0.0075
    --grid readout.sigma_init=0.0075 --grid guard=0.1)
mnist mesu-1 "${sigma[@]}" --grid lr_mu=8 --grid lr_sigma=24,48,96 --grid window=20000,40000
mnist mesu-2 "${sigma[@]}" --grid lr_mu=2,4 --grid lr_sigma=40,80,160 --grid window=40000
mnist stable_flexible --grid displacement=3e-4,6.7e-4,1.5e-3 --grid lr=2e-5,4e-5
mnist synaptic_intelligence --grid hidden.lr=3.15e-4 --grid readout.lr=7.2e-4 --grid hidden.c=12,25,50 \
    --grid readout.c=25,49 --grid hidden.damping=3.6 --grid readout.damping=1
mnist hebb_repetition --grid hidden.lr=1.5e-4,2e-4 --grid readout.lr=3.5e-4 --grid hidden.scale=2e-3,3e-3 \
    --grid readout.scale=4.5e-3
mnist probabilistic --grid growth=3e-4,1e-3,3e-3 --grid scale=0.05,0.15
mnist laplace-1000 --hidden 1000 --grid hidden.lr=1.2e-4 --grid readout.lr=4e-4 --grid hidden.curvature=7e-3,1.1e-2,1.6e-2 \
    --grid readout.curvature=3.3e-3,6e-3
mnist probabilistic-500 --hidden 500 --grid growth=3e-3,6e-3,1.2e-2 --grid scale=0.05
mnist probabilistic-1000 --hidden 1000 --grid growth=6e-3,9e-3 --grid scale=0.05
mnist probabilistic-1000-inhibited --hidden 1000 --grid growth=9e-3 --grid scale=0.05 --grid network.inhibition=0.02,0.07,0.15,0.3

# The study memristor: on the devices, with the published presentation and feedback; one grid after the other.
memristor() { # number and chip, then the options
    spikemeta run search --rules probabilistic --hardware "$2" --out "$out/search-probabilistic-memristor-$1" --dataset mnist \
        --scale full --feedback random --grid network.presentation=150 --grid network.input_rate=250 \
        --grid network.target_rate=100 --grid network.readout_width=3 "${@:3}"
}

memristor 1 memristor --grid hidden.lr=2e-5,1e-4 --grid readout.lr=1e-4,2e-4 --grid growth=1e-3,2e-3,3e-3
memristor 2 memristor --grid hidden.lr=2e-5,1e-4 --grid readout.lr=4e-5 --grid growth=3e-3,6e-3
memristor 3 memristor --grid hidden.lr=1e-4 --grid readout.lr=2e-4,3e-4 --grid growth=4.5e-3,6e-3
memristor 4 "$(dirname "$0")/memristor_1.py" --grid hidden.lr=2e-5,1e-4 --grid readout.lr=3e-5 --grid growth=0,3e-3,4.5e-3

digits() { search "$@" --dataset digits --seeds 3; }

digits sgd-8x8 --grid lr=3e-4,5e-4,1e-3
digits laplace-8x8 --grid lr=5e-4,1e-3 --grid curvature=1e-3,3e-3
digits mesu-8x8 --grid sigma_prior=0.02 --grid sigma_init=0.02 --grid lr_mu=1,3 --grid lr_sigma=5,15 \
    --grid window=2000,10000 --grid guard=0.2
digits stable_flexible-8x8 --grid lr=1e-4,3e-4 --grid displacement=1e-3,3e-3,1e-2
digits synaptic_intelligence-8x8 --grid lr=5e-4 --grid c=3,10,30 --grid damping=1,10
digits hebb_repetition-8x8 --grid lr=5e-4,1e-3 --grid scale=3e-3,1e-2 --grid fading=20000

# Ten permuted tasks of 10,000 images each, 500 hidden neurons.
permuted() { # rule, what to add to the name, then the options
    spikemeta run search --rules "$1" --out "$out/search-$1-permuted$2" --task permuted --dataset mnist --scale full --images 10000 \
        --hidden 500 --dtype float32 --seeds 1 "${@:3}"
}

wide=(--grid sigma_prior=0.02 --grid sigma_init=0.02 --grid guard=0.2 --grid window=300000)
permuted mesu "" --grid sigma_prior=0.02 --grid sigma_init=0.02 --grid lr_mu=0.125,0.25 --grid lr_sigma=0.3,1 --grid guard=0.2 \
    --grid window=300000
permuted sgd "" --grid lr=3e-6,1e-5,3e-5
permuted mesu -2 --grid sigma_prior=0.02 --grid sigma_init=0.02 --grid lr_mu=0.25 --grid lr_sigma=0.3,1 --grid guard=0.2 \
    --grid window=300000 --grid network.other_rate=20,40
permuted mesu -3 "${wide[@]}" --grid lr_mu=0.25 --grid lr_sigma=0.5 --grid network.other_rate=10,20 --grid network.hidden_spread=0.03,0.1
permuted mesu -4 "${wide[@]}" --grid hidden.lr_mu=0.5 --grid readout.lr_mu=0.15,0.25 --grid hidden.lr_sigma=0.5 \
    --grid readout.lr_sigma=0.5 --grid network.other_rate=20
permuted mesu -5 "${wide[@]}" --grid lr_mu=0.25,0.4 --grid lr_sigma=0.5 --grid network.other_rate=20 --grid network.hidden_spread=0.2
permuted mesu -6 "${wide[@]}" --grid hidden.lr_mu=0.5,1 --grid readout.lr_mu=0.25 --grid hidden.lr_sigma=0.5 \
    --grid readout.lr_sigma=0.5 --grid network.other_rate=20 --grid network.hidden_spread=0.1
permuted mesu -7 "${wide[@]}" --grid hidden.lr_mu=1,2 --grid readout.lr_mu=0.25 --grid hidden.lr_sigma=1 \
    --grid readout.lr_sigma=0.5 --grid network.other_rate=20 --grid network.hidden_spread=0.1
permuted laplace "" --grid network.other_rate=20 --grid network.hidden_spread=0.1
permuted synaptic_intelligence "" --grid network.other_rate=20 --grid network.hidden_spread=0.1
permuted sgd -2 --grid network.other_rate=20 --grid network.hidden_spread=0.1 --grid lr=3e-6,1e-5

# Items: one class after another; names that end in 8x8 are those on the digits.
items() { # name, rule, then the options
    local name=$1 rule=$2
    shift 2
    spikemeta run search --rules "$rule" --task items --out "$out/search-$name" "$@"
}

mnist_items() { items "$1-items" "$1" --dataset mnist --scale full --seeds 1 "${@:2}"; }
digits_items() { items "$1-items-8x8" "$1" --dataset digits --seeds 2 "${@:2}"; }

mnist_items hybrid --grid hidden.lr=1.6e-4 --grid readout.lr=8e-5,1.2e-4 --grid hidden.displacement=1.3e-4,2.6e-4 \
    --grid readout.displacement=2.4e-3,4e-3
mnist_items conventional --grid hidden.lr=2e-5,1.6e-4 --grid readout.lr=1.2e-5,4e-5,1.2e-4
mnist_items stable --grid sharpness=0.1,0.4,1
mnist_items hebb_repetition --grid lr=1e-4,2e-4,4e-4 --grid scale=2e-3,6e-3
mnist_items laplace --grid lr=1e-4,2e-4,4e-4 --grid curvature=1e-3,3e-3,1e-2
mnist_items synaptic_intelligence --grid lr=1e-4,3e-4 --grid c=3,12 --grid damping=1,4
mnist_items mesu "${sigma[@]}" --grid lr_mu=1,3 --grid lr_sigma=15,160 --grid window=10000,100000
beyond() { items "$1-items-2" "$1" --dataset mnist --scale full --seeds 1 "${@:2}"; }
beyond hebb_repetition --grid lr=4e-4,8e-4 --grid scale=6e-3,1.2e-2
beyond laplace --grid lr=8e-4 --grid curvature=1e-3,3e-3,6e-3
beyond synaptic_intelligence --grid lr=3e-4,6e-4 --grid c=12,30 --grid damping=0.5,1

# How much of it a pass of wrong labels leaves, after three and after nine clean passes.
attacked() { # a name, passes, seeds, then the options
    spikemeta run search --rules hybrid --task items --attack deranged --dataset mnist --scale full --dtype float32 --passes "$2" \
        --seeds "$3" --out "$out/search-hybrid-items-deranged$1" --grid hidden.lr=1.6e-4 "${@:4}"
}

attacked "" 3 1 --grid readout.lr=1.2e-4 --grid hidden.displacement=6.5e-5,1.3e-4,2.6e-4 --grid readout.displacement=6e-4,1.2e-3,2.4e-3
attacked -2 3 1 --grid readout.lr=1.2e-4,2.4e-4 --grid hidden.displacement=2.6e-4,5.2e-4 --grid readout.displacement=1.2e-3,1.7e-3
attacked -9 9 1 --grid readout.lr=1.2e-4 --grid hidden.displacement=5.2e-4,1.04e-3 --grid readout.displacement=9e-4,1.2e-3
attacked -9-2 9 1 --grid readout.lr=1.2e-4 --grid hidden.displacement=5.2e-4,1.04e-3 --grid readout.displacement=4.5e-4,6e-4
attacked -3 3 4 --grid readout.lr=1.2e-4 --grid hidden.displacement=5.2e-4,1.04e-3 --grid readout.displacement=4.5e-4,9e-4

# Two digits in one image at half resolution have half the bright pixels of one at full.
two_digit() { items "hybrid-items-two_digit$1" hybrid --dataset two_digit --tasks 15 --scale full --seeds 1 --dtype float32 "${@:2}"; }

two_digit "" --grid network.input_rate=400 --grid hidden.lr=1.6e-4 --grid readout.lr=1.2e-4 --grid hidden.displacement=2.6e-4,5.2e-4 \
    --grid readout.displacement=9e-4,2.4e-3
two_digit -2 --grid network.input_rate=400,600 --grid network.other_rate=20,40 --grid hidden.lr=1.6e-4

digits_items conventional --grid lr=1e-4,3e-4,1e-3
digits_items hybrid --grid lr=3e-4 --grid hidden.displacement=2e-4,1e-3 --grid readout.displacement=3e-3,8e-3
digits_items stable --grid sharpness=0.1,0.4,1
digits_items hebb_repetition --grid lr=5e-4,1.5e-3 --grid scale=3e-3,1e-2
digits_items laplace --grid lr=5e-4,1.5e-3 --grid curvature=1e-3,3e-3
digits_items synaptic_intelligence --grid lr=5e-4 --grid c=1,3,10 --grid damping=1
digits_items mesu --grid sigma_prior=0.02 --grid sigma_init=0.02 --grid lr_mu=1,3 --grid lr_sigma=15 --grid window=10000 --grid guard=0.2

torch() { # rule, then -joint or -8x8 or nothing, then the options
    local rule=$1 more=$2
    shift 2
    spikemeta run search --rules "$rule" --engine torch --out "$out/search-$rule-torch$more" "$@"
}

full() { torch "$1" "" --dataset mnist --scale full "${@:2}"; }

prior=(--grid hidden.sigma_prior=0.02 --grid hidden.sigma_init=0.02 --grid readout.sigma_prior=0.05
    --grid readout.sigma_init=0.05 --grid guard=0.2)
full sgd --grid lr=0.1,0.2
torch sgd -joint --dataset mnist --scale full --task joint --grid lr=0.2,0.35 --grid halving=1000
joint() { torch "$1" "-joint$2" --dataset mnist --scale full --task joint --seeds 1 "${@:3}"; }
joint laplace "" --n-random 12 --grid lr=5e-2,5e-1 --grid hidden.curvature=10,3000 --grid readout.curvature=3,300
joint mesu "" --n-random 12 "${prior[@]}" --grid window=10000 --grid hidden.lr_mu=100,1000 --grid readout.lr_mu=10,200 \
    --grid hidden.lr_sigma=1e3,2e5 --grid readout.lr_sigma=100,3000
joint mesu -2 --n-random 8 "${prior[@]}" --grid window=10000 --grid hidden.lr_mu=250,1000 --grid readout.lr_mu=30,200 \
    --grid hidden.lr_sigma=100,3000 --grid readout.lr_sigma=10,200
full laplace --grid lr=0.2 --grid hidden.curvature=1500,3000 --grid readout.curvature=200
full hebb_repetition --grid lr=0.2 --grid hidden.scale=0.002,0.003 --grid readout.scale=0.012 --grid fading=2000
full stable_flexible --grid lr=0.05 --grid hidden.displacement=2e-4,4e-4 --grid readout.displacement=3e-3
full synaptic_intelligence --grid lr=0.1 --grid hidden.c=100,300 --grid hidden.damping=0.1 --grid readout.c=3 \
    --grid readout.damping=1
torch synaptic_intelligence -damped --dataset mnist --scale full --seeds 1 --grid lr=0.1 --grid hidden.c=300,3000 \
    --grid hidden.damping=1 --grid readout.c=30 --grid readout.damping=1
full mesu "${prior[@]}" --grid hidden.lr_mu=500 --grid readout.lr_mu=80 --grid hidden.lr_sigma=1e5,2e5 \
    --grid readout.lr_sigma=3000 --grid window=10000

torch_items() { # rule, what to add to the name, then the options
    items "$1-items-torch$2" "$1" --engine torch --dataset mnist --scale full --seeds 1 "${@:3}"
}

torch_items sgd "" --grid lr=3e-3,1e-2,3e-2
torch_items hybrid "" --grid lr=1e-2,3e-2 --grid hidden.displacement=4e-4,2e-3 --grid readout.displacement=3e-3,1.2e-2
torch_items laplace "" --grid lr=3e-2,0.1,0.3 --grid hidden.curvature=300,3000 --grid readout.curvature=200
torch_items hebb_repetition "" --grid lr=3e-2,0.1,0.3 --grid hidden.scale=2e-3,6e-3 --grid readout.scale=0.012 --grid fading=2000
torch_items synaptic_intelligence "" --grid lr=1e-2,3e-2,0.1 --grid hidden.c=30,300 --grid hidden.damping=0.1 --grid readout.c=3 \
    --grid readout.damping=1
torch_items mesu "" "${prior[@]}" --grid hidden.lr_mu=50,200 --grid readout.lr_mu=30 --grid hidden.lr_sigma=3e4,2e5 \
    --grid readout.lr_sigma=3000 --grid window=10000
torch_items hybrid -2 --n-random 14 --grid lr=1e-3,2e-2 --grid hidden.displacement=5e-5,2e-3 --grid readout.displacement=3e-4,1e-2 \
    --grid network.readout_spread=0.05,0.3
near=(--grid network.readout_spread=0.05)
torch_items hybrid -3 "${near[@]}" --n-random 9 --grid lr=2e-3,1e-2 --grid hidden.displacement=5e-5,4e-4 \
    --grid readout.displacement=1e-4,8e-4
torch_items laplace -2 "${near[@]}" --n-random 9 --grid lr=3e-3,1e-1 --grid hidden.curvature=30,3000 --grid readout.curvature=20,2000
torch_items hebb_repetition -2 "${near[@]}" --n-random 9 --grid lr=1e-2,2e-1 --grid hidden.scale=5e-4,6e-3 \
    --grid readout.scale=2e-3,2e-2 --grid fading=2000
torch_items synaptic_intelligence -2 "${near[@]}" --n-random 8 --grid lr=1e-2,2e-1 --grid hidden.c=10,1000 --grid hidden.damping=0.1 \
    --grid readout.c=1,30 --grid readout.damping=1
torch_items sgd -2 "${near[@]}" --grid lr=3e-4,1e-3,3e-3
torch_items mesu -2 "${near[@]}" --n-random 9 "${prior[@]}" --grid hidden.lr_mu=3,100 --grid readout.lr_mu=1,30 \
    --grid hidden.lr_sigma=1e3,3e4 --grid readout.lr_sigma=1e2,3e3 --grid window=10000

torch_items_8x8() { items "$1-items-torch-8x8" "$1" --engine torch --dataset digits --seeds 2 "${@:2}"; }

torch_items_8x8 hybrid --n-random 12 --grid lr=3e-3,1e-1 --grid hidden.displacement=1e-4,1e-2 --grid readout.displacement=1e-3,3e-2
torch_items_8x8 laplace --n-random 12 --grid lr=1e-2,3e-1 --grid hidden.curvature=3,300 --grid readout.curvature=0.3,30
torch_items_8x8 hebb_repetition --n-random 12 --grid lr=1e-2,3e-1 --grid hidden.scale=1e-3,2e-2 --grid readout.scale=3e-3,5e-2 \
    --grid fading=2000
torch_items_8x8 synaptic_intelligence --n-random 12 --grid lr=1e-2,2e-1 --grid hidden.c=1,100 --grid hidden.damping=0.1 \
    --grid readout.c=0.1,10 --grid readout.damping=1
torch_items_8x8 sgd --grid lr=1e-3,3e-3,1e-2,3e-2
torch_items_8x8 mesu "${prior[@]}" --n-random 12 --grid hidden.lr_mu=30,300 --grid readout.lr_mu=3,60 --grid hidden.lr_sigma=3e2,3e4 \
    --grid readout.lr_sigma=30,3e3 --grid window=5000

small() { torch "$1" -8x8 --dataset digits --seeds 3 "${@:2}"; }

small sgd --grid lr=0.03,0.1
small laplace --grid lr=0.1 --grid hidden.curvature=30,100 --grid readout.curvature=3
small hebb_repetition --grid lr=0.1 --grid hidden.scale=0.006,0.01 --grid readout.scale=0.03 --grid fading=2000
small stable_flexible --grid lr=0.1 --grid hidden.displacement=0.003,0.01 --grid readout.displacement=0.03
small synaptic_intelligence --grid lr=0.05,0.1 --grid hidden.c=10 --grid readout.c=1 --grid hidden.damping=0.1 \
    --grid readout.damping=1
small mesu "${prior[@]}" --grid hidden.lr_mu=250 --grid readout.lr_mu=40 --grid hidden.lr_sigma=3000,30000 \
    --grid readout.lr_sigma=300 --grid window=5000
torch probabilistic -8x8 --seeds 1 --grid lr=0.03,0.1,0.2,0.4 --grid growth=1e-3,1e-2

areas() { # name, then the options
    spikemeta sweep uncertainty --rules laplace --dataset mnist --scale full --seeds 2 --validation --probed 1000 --out "$out/$1" "${@:2}"
}

areas areas-laplace --widths 0.05,0.1,0.14,0.2 --grid hidden.curvature=1e-4,1e-3,3e-3 hidden.lr=8e-4,1.6e-3
areas areas-laplace-2 --widths 0.08,0.1,0.11,0.12,0.13 --grid hidden.curvature=3e-4,1e-3 hidden.lr=8e-4,1.2e-3
