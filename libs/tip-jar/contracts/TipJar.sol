// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// The one function of ERC-20 that the jar calls on behalf of a payer, and the one it reads.
interface IERC20 {
    function balanceOf(address owner) external view returns (uint256);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// @title TipJar
/// @notice Passes a tip straight to its creator and says so in one event. Holds nothing, belongs to nobody, cannot be changed.
/// @dev Which tokens count is decided off-chain: anybody can deploy a token with a known symbol, so an event alone proves no value.
contract TipJar {
    uint256 public constant MAX_MESSAGE_BYTES = 280;

    /// @param token The zero address for the chain's own coin.
    /// @param amount What arrived, in smallest units.
    /// @param ref Chosen by the payer's page to find its own tip again; proves nothing.
    event Tip(address indexed creator, address indexed from, address token, uint256 amount, string message, bytes32 ref);

    error InvalidCreator();
    error ZeroAmount();
    error MessageTooLong(uint256 bytesGiven);
    error NotAToken(address token);
    error TransferFailed();
    error NothingArrived();
    error Reentered();

    bool private transient entered;

    /*
     * One tip at a time. Without it a creator or token that is called during a tip could tip again inside it, and the outer tip would
     * measure the inner one's money as its own.
     */
    modifier once() {
        if (entered) revert Reentered();
        entered = true;
        _;
        entered = false;
    }

    modifier valid(address creator, string calldata message) {
        // The jar has no way to give money back, so it must never be the receiver.
        if (creator == address(0) || creator == address(this)) revert InvalidCreator();
        if (bytes(message).length > MAX_MESSAGE_BYTES) revert MessageTooLong(bytes(message).length);
        _;
    }

    /// @notice Tips in the chain's own coin. A creator that refuses it makes the whole call fail.
    function tip(address creator, string calldata message, bytes32 ref) external payable once valid(creator, message) {
        if (msg.value == 0) revert ZeroAmount();
        (bool paid,) = creator.call{value: msg.value}("");
        if (!paid) revert TransferFailed();
        emit Tip(creator, msg.sender, address(0), msg.value, message, ref);
    }

    /// @notice Tips in an ERC-20 token that the payer has approved for this contract.
    function tipToken(address token, uint256 amount, address creator, string calldata message, bytes32 ref)
        external
        once
        valid(creator, message)
    {
        if (amount == 0) revert ZeroAmount();
        // A call to an address without code succeeds and moves nothing.
        if (token.code.length == 0) revert NotAToken(token);
        uint256 before = IERC20(token).balanceOf(creator);
        _pull(token, creator, amount);
        uint256 arrived = _arrived(IERC20(token).balanceOf(creator), before, amount);
        emit Tip(creator, msg.sender, token, arrived, message, ref);
    }

    /// Tokens exist that return nothing (USDT) and that return false instead of reverting: both are told apart by the length of the answer.
    function _pull(address token, address creator, uint256 amount) private {
        (bool called, bytes memory answer) = token.call(abi.encodeCall(IERC20.transferFrom, (msg.sender, creator, amount)));
        bool refused = answer.length != 0 && (answer.length < 32 || abi.decode(answer, (uint256)) != 1);
        if (!called || refused) revert TransferFailed();
    }

    /*
     * A token that takes a fee delivers less than was sent. It cannot deliver more: whatever else reached the creator during the call
     * (a token hook that moves other money, a rebase) is not part of this tip, hence the cap.
     */
    function _arrived(uint256 afterwards, uint256 before, uint256 amount) private pure returns (uint256 arrived) {
        if (afterwards <= before) revert NothingArrived();
        arrived = afterwards - before;
        if (arrived > amount) arrived = amount;
    }
}
