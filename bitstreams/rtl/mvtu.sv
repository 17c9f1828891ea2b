// Matrix-vector-threshold unit: PE output channels times SIMD inputs a cycle.
//
// A pixel is SYNAPSE_FOLD = K*K*C / SIMD words of SIMD unsigned codes in and NEURON_FOLD = C' / PE words of PE codes
// out; it takes SYNAPSE_FOLD * NEURON_FOLD cycles. Its words are kept while the output channels take turns. Weights and
// thresholds are written through the configuration port and stay.
//
// One enable moves the whole pipeline, so that back-pressure costs no buffer. On a large unit its fan-out bounds the
// clock; nothing here was placed or timed.
module mvtu #(
    parameter int PE = 4, SIMD = 8, WEIGHT_BITS = 1, ACTIVATION_BITS = 1, CODE_BITS = ACTIVATION_BITS, SUM_BITS = 16,
    parameter int SYNAPSE_FOLD = 9, NEURON_FOLD = 4,
    parameter int STEPS = (1 << CODE_BITS) - 1,
    parameter int WORDS = SYNAPSE_FOLD * NEURON_FOLD,
    parameter int ADDRESS_BITS = WORDS > 1 ? $clog2(WORDS) : 1
) (
    input  logic                             clk,
    input  logic                             rst_n,
    // pixels in: the lane of input i at bits i * ACTIVATION_BITS
    input  logic                             s_valid,
    output logic                             s_ready,
    input  logic [SIMD*ACTIVATION_BITS-1:0]  s_data,
    // codes out: the channel of element p at bits p * CODE_BITS
    output logic                             m_valid,
    input  logic                             m_ready,
    output logic [PE*CODE_BITS-1:0]          m_data,
    // one word of weights at neuron fold * SYNAPSE_FOLD + synapse fold, one row of thresholds at neuron fold
    input  logic                             write_weights,
    input  logic                             write_thresholds,
    input  logic [ADDRESS_BITS-1:0]          address,
    input  logic [PE*SIMD*WEIGHT_BITS-1:0]   weights_in,
    input  logic [PE*STEPS*SUM_BITS-1:0]     thresholds_in
);
    localparam int SYNAPSE_BITS = SYNAPSE_FOLD > 1 ? $clog2(SYNAPSE_FOLD) : 1;
    localparam int NEURON_BITS = NEURON_FOLD > 1 ? $clog2(NEURON_FOLD) : 1;

    // where in the pixel and among the output channels the next word stands
    logic [SYNAPSE_BITS-1:0] synapse;
    logic [NEURON_BITS-1:0]  neuron;
    logic [ADDRESS_BITS-1:0] word;
    logic                    last_synapse, last_neuron, enable, go;
    assign last_synapse = synapse == SYNAPSE_BITS'(SYNAPSE_FOLD - 1);
    assign last_neuron = neuron == NEURON_BITS'(NEURON_FOLD - 1);
    assign enable = !m_valid || m_ready;
    assign s_ready = enable && neuron == '0;
    assign go = enable && (neuron != '0 || s_valid);
    always_ff @(posedge clk)
        if (!rst_n) begin
            synapse <= '0;
            neuron <= '0;
            word <= '0;
        end else if (go) begin
            synapse <= last_synapse ? '0 : synapse + 1'b1;
            if (last_synapse) neuron <= last_neuron ? '0 : neuron + 1'b1;
            word <= last_synapse && last_neuron ? '0 : word + 1'b1;
        end

    // the pixel, kept for the later output channels
    logic [SIMD*ACTIVATION_BITS-1:0] kept [SYNAPSE_FOLD];
    logic [SIMD*ACTIVATION_BITS-1:0] activations;
    always_ff @(posedge clk) if (go && neuron == '0) kept[synapse] <= s_data;
    always_ff @(posedge clk) if (enable) activations <= neuron == '0 ? s_data : kept[synapse];

    (* ram_style = "block" *)
    logic [PE*SIMD*WEIGHT_BITS-1:0] memory [WORDS];
    logic [PE*SIMD*WEIGHT_BITS-1:0] weights;
    always_ff @(posedge clk) if (write_weights) memory[address] <= weights_in;
    always_ff @(posedge clk) if (enable) weights <= memory[word];

    // flags travel beside the data
    logic valid_1, first_1, last_1, valid_2, first_2, last_2, valid_3;
    logic [NEURON_BITS-1:0] neuron_1, neuron_2, neuron_3;
    always_ff @(posedge clk)
        if (!rst_n) begin
            valid_1 <= 1'b0;
            valid_2 <= 1'b0;
            valid_3 <= 1'b0;
            m_valid <= 1'b0;
        end else if (enable) begin
            valid_1 <= go;
            valid_2 <= valid_1;
            valid_3 <= valid_2 && last_2;
            m_valid <= valid_3;
        end
    always_ff @(posedge clk)
        if (enable) begin
            first_1 <= synapse == '0;
            first_2 <= first_1;
            last_1 <= last_synapse;
            last_2 <= last_1;
            neuron_1 <= neuron;
            neuron_2 <= neuron_1;
            neuron_3 <= neuron_2;
        end

    logic [PE*SUM_BITS-1:0] sums;
    elements #(.PE(PE), .SIMD(SIMD), .WEIGHT_BITS(WEIGHT_BITS), .ACTIVATION_BITS(ACTIVATION_BITS), .SUM_BITS(SUM_BITS))
        u_elements (.clk, .enable, .accumulate(enable && valid_2), .first(first_2), .weights, .activations, .sums);

    generate
    for (genvar p = 0; p < PE; p++) begin : g_threshold
        threshold #(.CODE_BITS(CODE_BITS), .SUM_BITS(SUM_BITS), .ROWS(NEURON_FOLD)) u_threshold (
            .clk, .enable, .row(neuron_3), .sum(sums[p*SUM_BITS +: SUM_BITS]), .code(m_data[p*CODE_BITS +: CODE_BITS]),
            .write(write_thresholds), .write_row(NEURON_BITS'(address)),
            .write_data(thresholds_in[p*STEPS*SUM_BITS +: STEPS*SUM_BITS]));
    end
    endgenerate
endmodule
