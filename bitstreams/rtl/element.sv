// PE processing elements on the same activations. Weights of one bit are +1 (0) and -1 (1): an element sums the
// activations whose bit is set, and the sum of all activations, which the elements share, does the rest:
// sum(w*a) = sum(a) - 2 * masked. Wider weights are two's complement.
module elements #(parameter int PE = 4, SIMD = 8, WEIGHT_BITS = 1, ACTIVATION_BITS = 1, SUM_BITS = 16) (
    input  logic                            clk, enable, accumulate, first,
    input  logic [PE*SIMD*WEIGHT_BITS-1:0]  weights,
    input  logic [SIMD*ACTIVATION_BITS-1:0] activations,
    output logic [PE*SUM_BITS-1:0]          sums
);
    localparam int DOT_BITS = ACTIVATION_BITS + WEIGHT_BITS + $clog2(SIMD) + 1;
    logic [SUM_BITS-1:0] total;
    generate
    if (WEIGHT_BITS == 1) begin : g_total
        logic [DOT_BITS-1:0] all, all_q;
        always_comb begin
            all = '0;
            for (int i = 0; i < SIMD; i++) all = all + DOT_BITS'(activations[i*ACTIVATION_BITS +: ACTIVATION_BITS]);
        end
        always_ff @(posedge clk) if (enable) all_q <= all;
        always_ff @(posedge clk) if (accumulate) total <= (first ? '0 : total) + SUM_BITS'(all_q);
    end else begin : g_no_total
        assign total = '0;
    end
    for (genvar p = 0; p < PE; p++) begin : g_element
        logic signed [SUM_BITS-1:0] sum;
        element #(.SIMD(SIMD), .WEIGHT_BITS(WEIGHT_BITS), .ACTIVATION_BITS(ACTIVATION_BITS), .SUM_BITS(SUM_BITS))
            u_element (.clk, .enable, .accumulate, .first, .weights(weights[p*SIMD*WEIGHT_BITS +: SIMD*WEIGHT_BITS]),
                       .activations, .sum);
        assign sums[p*SUM_BITS +: SUM_BITS] = WEIGHT_BITS == 1 ? total - (sum <<< 1) : sum;
    end
    endgenerate
endmodule

// One processing element: SIMD masked activations for each weight bit, an adder tree, an accumulator.
(* keep_hierarchy *)
module element #(parameter int SIMD = 8, WEIGHT_BITS = 1, ACTIVATION_BITS = 1, SUM_BITS = 16) (
    input  logic                            clk, enable, accumulate, first,
    input  logic [SIMD*WEIGHT_BITS-1:0]     weights,
    input  logic [SIMD*ACTIVATION_BITS-1:0] activations,
    output logic signed [SUM_BITS-1:0]      sum
);
    localparam int DOT_BITS = ACTIVATION_BITS + WEIGHT_BITS + $clog2(SIMD) + 1;
    logic signed [DOT_BITS-1:0] dot, dot_q;
    logic [ACTIVATION_BITS-1:0] masked;
    always_comb begin
        dot = '0;
        masked = '0;
        for (int b = 0; b < WEIGHT_BITS; b++)
            for (int i = 0; i < SIMD; i++) begin
                masked = activations[i*ACTIVATION_BITS +: ACTIVATION_BITS] & {ACTIVATION_BITS{weights[i*WEIGHT_BITS+b]}};
                // the top bit of a weight of two and more counts negative
                if (WEIGHT_BITS > 1 && b == WEIGHT_BITS - 1) dot = dot - (DOT_BITS'(masked) << b);
                else dot = dot + (DOT_BITS'(masked) << b);
            end
    end
    always_ff @(posedge clk) if (enable) dot_q <= dot;
    always_ff @(posedge clk) if (accumulate) sum <= (first ? '0 : sum) + SUM_BITS'(dot_q);
endmodule
