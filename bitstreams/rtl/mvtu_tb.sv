// Holds the unit to the integer definition: random weights, codes and thresholds, and as many words a hundred held
// back on both sides as STALL says. Without stalls the cycles must be those of the formula and 4 to fill the pipeline.
module mvtu_tb;
    parameter int PE = 4, SIMD = 8, WEIGHT_BITS = 1, ACTIVATION_BITS = 1;
    parameter int SYNAPSE_FOLD = 9, NEURON_FOLD = 4, PIXELS = 50, STALL = 0;
    parameter int SUM_BITS = 16;
    localparam int CODE_BITS = ACTIVATION_BITS, STEPS = (1 << CODE_BITS) - 1;
    localparam int INPUTS = SYNAPSE_FOLD * SIMD, OUTPUTS = NEURON_FOLD * PE;
    localparam int WORDS = SYNAPSE_FOLD * NEURON_FOLD, ADDRESS_BITS = WORDS > 1 ? $clog2(WORDS) : 1;

    logic clk = 0, rst_n = 0, s_valid = 0, s_ready, m_valid, m_ready = 1, write_weights = 0, write_thresholds = 0;
    logic [SIMD*ACTIVATION_BITS-1:0] s_data = '0;
    logic [PE*CODE_BITS-1:0] m_data;
    logic [ADDRESS_BITS-1:0] address = '0;
    logic [PE*SIMD*WEIGHT_BITS-1:0] weights_in = '0;
    logic [PE*STEPS*SUM_BITS-1:0] thresholds_in = '0;
    mvtu #(.PE(PE), .SIMD(SIMD), .WEIGHT_BITS(WEIGHT_BITS), .ACTIVATION_BITS(ACTIVATION_BITS),
           .SUM_BITS(SUM_BITS), .SYNAPSE_FOLD(SYNAPSE_FOLD), .NEURON_FOLD(NEURON_FOLD)) unit (.*);
    always #5 clk = !clk;

    int weight [OUTPUTS*INPUTS];
    int activation [PIXELS*INPUTS];
    int limit [OUTPUTS*STEPS];

    // the number that a weight's bits stand for
    function automatic int number(input int bits);
        if (WEIGHT_BITS == 1) return bits != 0 ? -1 : 1;
        return bits >= (1 << (WEIGHT_BITS - 1)) ? bits - (1 << WEIGHT_BITS) : bits;
    endfunction

    function automatic int definition(input int pixel, input int channel);
        int sum, code;
        sum = 0;
        code = 0;
        for (int i = 0; i < INPUTS; i++)
            sum = sum + number(weight[channel*INPUTS+i]) * activation[pixel*INPUTS+i];
        for (int t = 0; t < STEPS; t++) if (sum >= limit[channel*STEPS+t]) code = code + 1;
        return code;
    endfunction

    function automatic int below(input int bound);
        return $unsigned($random) % bound;
    endfunction

    int spread, sent = 0, received = 0, wrong = 0, cycles = 0, begun = -1;
    int histogram [STEPS+1];
    initial begin
        // as wide as the sums of random weights, so that most codes occur
        spread = $rtoi($sqrt(INPUTS * 2.0 ** (2 * ACTIVATION_BITS + 2 * WEIGHT_BITS - 4))) + 1;
        for (int i = 0; i < OUTPUTS * INPUTS; i++) weight[i] = below(1 << WEIGHT_BITS);
        for (int i = 0; i < PIXELS * INPUTS; i++) activation[i] = below(1 << ACTIVATION_BITS);
        for (int i = 0; i < OUTPUTS * STEPS; i++)
            limit[i] = below(2 * spread + 1) - spread - (WEIGHT_BITS > 1 ? INPUTS * STEPS / 4 : 0);
        for (int i = 0; i <= STEPS; i++) histogram[i] = 0;
        repeat (2) @(negedge clk);
        rst_n = 1;
        for (int n = 0; n < NEURON_FOLD; n++) begin
            for (int s = 0; s < SYNAPSE_FOLD; s++) begin
                for (int p = 0; p < PE; p++)
                    for (int i = 0; i < SIMD; i++)
                        weights_in[(p*SIMD+i)*WEIGHT_BITS +: WEIGHT_BITS] = weight[(n*PE+p)*INPUTS + s*SIMD + i];
                address = n * SYNAPSE_FOLD + s;
                write_weights = 1;
                @(negedge clk);
                write_weights = 0;
            end
            for (int p = 0; p < PE; p++)
                for (int t = 0; t < STEPS; t++)
                    thresholds_in[(p*STEPS+t)*SUM_BITS +: SUM_BITS] = limit[(n*PE+p)*STEPS+t];
            address = n;
            write_thresholds = 1;
            @(negedge clk);
            write_thresholds = 0;
        end
        while (received < PIXELS * NEURON_FOLD && cycles < 20 * PIXELS * SYNAPSE_FOLD * NEURON_FOLD + 1000) begin
            s_valid = sent < PIXELS * SYNAPSE_FOLD && below(100) >= STALL;
            m_ready = below(100) >= STALL;
            for (int i = 0; i < SIMD; i++)
                s_data[i*ACTIVATION_BITS +: ACTIVATION_BITS] = s_valid ? activation[sent*SIMD+i] : 0;
            #1;
            if (m_valid && m_ready) begin
                for (int p = 0; p < PE; p++) begin
                    int code, expected;
                    code = m_data[p*CODE_BITS +: CODE_BITS];
                    expected = definition(received / NEURON_FOLD, received % NEURON_FOLD * PE + p);
                    histogram[expected] = histogram[expected] + 1;
                    if (code !== expected) wrong = wrong + 1;
                end
                received = received + 1;
            end
            if (s_valid && s_ready) begin
                if (begun < 0) begun = cycles;
                sent = sent + 1;
            end
            @(negedge clk);
            cycles = cycles + 1;
        end
        finish;
    end

    task finish;
        int ideal, taken, kinds;
        ideal = PIXELS * SYNAPSE_FOLD * NEURON_FOLD;
        taken = cycles - begun;
        kinds = 0;
        for (int i = 0; i <= STEPS; i++) if (histogram[i] != 0) kinds = kinds + 1;
        $display("PE %0d SIMD %0d W%0dA%0d folds %0d x %0d, stalls %0d %%: %0d codes of %0d kinds, %0d wrong, %0d cycles = %0d %+0d",
                 PE, SIMD, WEIGHT_BITS, ACTIVATION_BITS, SYNAPSE_FOLD, NEURON_FOLD, STALL, received * PE, kinds, wrong,
                 taken, ideal, taken - ideal);
        if (received < PIXELS * NEURON_FOLD || wrong != 0 || 2 * kinds <= STEPS || (STALL == 0 && taken != ideal + 4)) begin
            $display("FAILED");
            $finish_and_return(1);
        end
        $finish;
    endtask
endmodule
